//go:build !unix || aix || solaris

package store

import (
	"errors"
	"time"
)

// lockFile refuses where there is no lock that ends with the process: two
// processes on one file would each believe its caches.
func lockFile(string, time.Time) (func() error, error) {
	return nil, errors.New("serving a SQLite file needs file locks, which this system does not have: use PostgreSQL")
}
