package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqliteBackend is one file: a writer with a connection of its own, readers
// beside it, and a connection that watches for the commits of both.
type sqliteBackend struct {
	*writer
	*readers
	watch *watcher
}

func (b *sqliteBackend) changes(ctx context.Context) (uint64, bool) { return b.watch.version(ctx) }

func (s *Store) openSQLite(ctx context.Context) error {
	path, err := sqlitePath(s.cfg.Path)
	if err != nil {
		return err
	}
	if s.cfg.Exclusive {
		unlock, err := lockFile(path+".lock", s.cfg.Now())
		if err != nil {
			return err
		}
		s.closers = append(s.closers, unlock)
	}
	if err := createPrivate(path); err != nil {
		return err
	}
	var b sqliteBackend
	err = s.cfg.waitFor(ctx, "SQLite file "+path, func(ctx context.Context) error {
		b.writer, err = openWriter(ctx, path, s.cfg.Pool.Acquire)
		return err
	})
	if err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	s.closers = append(s.closers, b.writer.close)
	b.readers = openReaders(path, s.cfg.Pool)
	s.closers = append(s.closers, b.readers.close)
	b.watch = &watcher{db: openSQL(path, "query_only(1)")}
	s.closers = append(s.closers, b.watch.close)
	s.backend = &b
	return nil
}

func sqlitePath(path string) (string, error) {
	if path == "" || path == ":memory:" {
		return "", errors.New("SQLite needs the path of a file")
	}
	return filepath.Abs(path)
}

// createPrivate makes the file readable by nobody else before SQLite would
// make it readable by all; its WAL takes the same mode.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening database file: %w", err)
	}
	return f.Close()
}

// openSQL describes connections to a file; nothing is opened yet. FULL makes
// every commit reach the disk before it is acknowledged; an untrusted schema
// may not call functions with side effects.
func openSQL(path string, pragmas ...string) *sql.DB {
	q := url.Values{"_pragma": append([]string{
		"busy_timeout(5000)", "journal_mode(wal)", "synchronous(full)", "trusted_schema(0)", "journal_size_limit(67108864)",
	}, pragmas...)}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil { // only for a driver that is not linked in
		panic(err)
	}
	return db
}

// watcher sees that another connection has committed: SQLite's data_version
// moves for every connection but the one that wrote.
type watcher struct {
	db    *sql.DB
	mu    sync.Mutex
	conn  *sql.Conn
	stmt  *sql.Stmt
	epoch uint64 // moves when the connection was lost, and its number with it
}

func (w *watcher) version(ctx context.Context) (uint64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	if w.stmt == nil && w.connect(ctx) != nil {
		return 0, false
	}
	var v uint32
	if err := w.stmt.QueryRowContext(ctx).Scan(&v); err != nil {
		_ = w.disconnect()
		return 0, false
	}
	return w.epoch<<32 | uint64(v), true
}

func (w *watcher) connect(ctx context.Context) (err error) {
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	if w.stmt, err = w.conn.PrepareContext(ctx, "PRAGMA data_version"); err != nil {
		return errors.Join(err, w.disconnect())
	}
	w.epoch++
	return nil
}

func (w *watcher) disconnect() error {
	var err error
	if w.stmt != nil {
		err = w.stmt.Close()
		w.stmt = nil
	}
	if w.conn != nil {
		err = errors.Join(err, w.conn.Close())
		w.conn = nil
	}
	return err
}

func (w *watcher) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return errors.Join(w.disconnect(), w.db.Close())
}
