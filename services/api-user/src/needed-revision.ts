/**
 * The revision that this code was written for. A constant, not the newest file of `revisions/`: an image must know it
 * without the SQL files, and only the code knows which columns it asks for. A test keeps it at the folder's newest.
 */
export const NEEDED_REVISION = '005_full_name_index';
