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

// Waiting is how many plans wait for the next bundle; PostgreSQL alone has any.
func Waiting(s *Store) int {
	p, ok := s.backend.(*postgres)
	if !ok {
		return 0
	}
	p.bundles.mu.Lock()
	defer p.bundles.mu.Unlock()
	return len(p.bundles.waiting)
}

// MergeText is the text that several statements become.
func MergeText(statements ...Statement) string { return texts{}.merge(statements)[0].SQL }
