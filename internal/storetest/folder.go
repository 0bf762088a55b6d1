package storetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// stale is the age below which a folder of another test binary is left alone,
// since that may not have locked it yet.
const stale = 10 * time.Minute

// ownFolder makes a temporary folder and locks it for as long as this process
// lives. Those that a killed test binary has left behind are removed.
func ownFolder(prefix string) (dir string, lock *os.File, err error) {
	sweep(filepath.Join(os.TempDir(), prefix+"*"), time.Now().Add(-stale))
	if dir, err = os.MkdirTemp("", prefix); err != nil {
		return "", nil, fmt.Errorf("making a folder for test databases: %w", err)
	}
	if lock, err = os.Create(filepath.Join(dir, "lock")); err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("locking %s: %w", dir, err), os.RemoveAll(dir))
	}
	return dir, lock, nil
}

// sweep removes the folders that nobody has locked. What it cannot remove is
// somebody else's to remove.
func sweep(pattern string, before time.Time) {
	found, _ := filepath.Glob(pattern) // only for a bad pattern
	for _, dir := range found {
		info, err := os.Stat(dir)
		if err != nil || !info.ModTime().Before(before) {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(dir)
		}
		_ = lock.Close()
	}
}
