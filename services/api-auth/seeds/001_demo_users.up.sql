-- Development only: orch applies seeds nowhere else. Both users' password is `orch-demo-password`.
INSERT INTO users (email, password_hash, roles) VALUES
  ('admin@example.org',
   'scrypt$32768$8$3$hyd9uQ7RjCXa82FG88d8pA$PE8sBR2evygR2QsG9pHw9lDS-2jIw3GOkrALEmSvACY', '{user,admin}'),
  ('ada@example.org',
   'scrypt$32768$8$3$hyd9uQ7RjCXa82FG88d8pA$PE8sBR2evygR2QsG9pHw9lDS-2jIw3GOkrALEmSvACY', '{user}')
ON CONFLICT ON CONSTRAINT uq_users_email DO NOTHING;
