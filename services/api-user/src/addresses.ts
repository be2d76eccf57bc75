import type { Database } from '../../kit/database.ts';

type AddressFields = {
  readonly label: string;
  readonly street: string;
  readonly postal_code: string;
  readonly city: string;
  readonly country: string;
};

type Address = AddressFields & { readonly id: number };

/** The new address; undefined where the user has no profile. */
export async function addAddress(
  database: Database,
  userId: string,
  address: AddressFields,
): Promise<Address | undefined> {
  const rows = await database.query<{ address: Address }>(
    `INSERT INTO addresses (user_id, label, street, postal_code, city, country)
     SELECT user_id, $2, $3, $4, $5, $6 FROM profiles WHERE user_id = $1
     RETURNING to_jsonb(addresses) - 'user_id' AS address`,
    [userId, address.label, address.street, address.postal_code, address.city, address.country],
  );
  return rows[0]?.address;
}

/** @returns false where the user has no such address */
export async function removeAddress(database: Database, userId: string, id: string): Promise<boolean> {
  const rows = await database.query('DELETE FROM addresses WHERE user_id = $1 AND id = $2 RETURNING id', [userId, id]);
  return rows.length > 0;
}
