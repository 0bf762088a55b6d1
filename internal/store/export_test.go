package store

import "context"

// Raw runs a statement on the connection of tx, past every check.
func Raw(tx *Tx, q string) error {
	_, err := tx.conn.ExecContext(context.Background(), q)
	return err
}

// LockFile is the lock of a process that serves a SQLite file.
var LockFile = lockFile

// MigrationLock is the key that migrators take turns with.
const MigrationLock = migrationLock
