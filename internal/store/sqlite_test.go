package store_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/storetest"
)

// commits counts the commit frames of a write-ahead log
// (https://www.sqlite.org/fileformat2.html#walformat).
func commits(t *testing.T, path string) int {
	t.Helper()
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if len(wal) < 32 {
		return 0
	}
	page := int(binary.BigEndian.Uint32(wal[8:]))
	salt := string(wal[16:24])
	n := 0
	for at := 32; at+24+page <= len(wal); at += 24 + page {
		if string(wal[at+8:at+16]) == salt && binary.BigEndian.Uint32(wal[at+4:]) > 0 {
			n++
		}
	}
	return n
}

// held opens a store and holds its writer until the returned function is called.
func held(t *testing.T, s *store.Store) (release func()) {
	begun, finish := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.Write(t.Context(), ann, nil, func(tx *store.Tx) error {
			close(begun)
			<-finish
			return insertNote(t.Context(), "first", "ann")(tx)
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	return func() { close(finish); wg.Wait() }
}

func TestWritesThatWaitTogetherShareACommit(t *testing.T) {
	cfg := storetest.Config(t, store.SQLite, schemas)
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		release := held(t, s)
		mine := errors.New("mine")
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				err := s.Write(t.Context(), ann, nil, func(tx *store.Tx) error {
					if err := insertNote(t.Context(), fmt.Sprint("n", i), "ann")(tx); err != nil {
						return err
					}
					switch {
					case i%10 == 3:
						return mine
					case i%10 == 7:
						return insertNote(t.Context(), "first", "ann")(tx) // a duplicate
					}
					return nil
				})
				if ok := i%10 == 3 && err == mine || i%10 == 7 && store.Duplicate(err) || err == nil; !ok {
					t.Errorf("write %d: %v", i, err)
				}
			})
		}
		wg.Go(func() { // one that panics, among them
			defer func() { _ = recover() }()
			_ = s.Write(t.Context(), ann, nil, func(tx *store.Tx) error {
				_ = insertNote(t.Context(), "panic", "ann")(tx)
				panic("ouch")
			})
		})
		synctest.Wait() // all wait for their turn
		before := commits(t, cfg.Path)
		release()
		wg.Wait()
		if n := commits(t, cfg.Path) - before; n != 1 {
			t.Errorf("%d commits for the writes that waited together", n)
		}
		if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 1+16 {
			t.Errorf("%d rows, want those without an error", n)
		}
	})
}

// SQLite ends a transaction by itself when the disk is full. Those whose writes
// were in it are told, and those who come after begin anew.
func TestTransactionThatSQLiteEndsIsToldToAllInIt(t *testing.T) {
	cfg := storetest.Config(t, store.SQLite, schemas)
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var results [3]error
		var wg sync.WaitGroup
		begun, finish := make(chan struct{}), make(chan struct{})
		wg.Go(func() {
			results[0] = s.Write(t.Context(), ann, nil, func(tx *store.Tx) error {
				close(begun)
				<-finish
				return insertNote(t.Context(), "n0", "ann")(tx)
			})
		})
		<-begun
		for i := 1; i < 3; i++ {
			wg.Go(func() {
				results[i] = s.Write(t.Context(), ann, nil, func(tx *store.Tx) error {
					if i == 1 {
						return store.Raw(tx, "ROLLBACK")
					}
					return insertNote(t.Context(), fmt.Sprint("n", i), "ann")(tx)
				})
			})
			synctest.Wait() // it waits for its turn, behind those before
		}
		close(finish)
		wg.Wait()
		if !errors.Is(results[0], store.ErrUnavailable) || results[1] == nil || results[2] != nil {
			t.Errorf("got %v", results)
		}
		if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 1 {
			t.Errorf("%d rows, want that of the one who came after", n)
		}
	})
}

// SQLite undoes the whole transaction when a statement in it is interrupted.
func TestCallerWhoLeavesDoesNotUndoTheNeighbours(t *testing.T) {
	cfg := storetest.Config(t, store.SQLite, schemas)
	s := open(t, cfg)
	const long = `INSERT INTO notes (id, owner) WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 400000)
		SELECT 'long', 'ann' FROM c WHERE x = 400000`
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var left, stayed error
	queued := make(chan struct{})
	wg.Go(func() {
		stayed = s.Write(t.Context(), ann, nil, func(tx *store.Tx) error {
			wg.Go(func() {
				close(queued)
				left = s.Write(ctx, ann, nil, func(tx *store.Tx) error {
					time.AfterFunc(5*time.Millisecond, cancel)
					if _, err := tx.Exec(ctx, long); err != nil {
						return err
					}
					return insertNote(ctx, "after", "ann")(tx)
				})
			})
			<-queued
			time.Sleep(50 * time.Millisecond) // until it waits for its turn
			return insertNote(t.Context(), "neighbour", "ann")(tx)
		})
	})
	wg.Wait()
	if stayed != nil {
		t.Errorf("the neighbour: %v", stayed)
	}
	if !errors.Is(left, context.Canceled) {
		t.Errorf("the one who left: %v", left)
	}
	if n := count(t, s, ann, `SELECT count(*) FROM notes`); n != 1 {
		t.Errorf("%d rows, want the neighbour's", n)
	}
}

func TestWaitingForATurnHasAnEnd(t *testing.T) {
	cfg := storetest.Config(t, store.SQLite, schemas)
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		release := held(t, s)
		defer release()
		begun := time.Now()
		err = s.Write(t.Context(), ann, nil, func(*store.Tx) error { t.Error("it ran"); return nil })
		if waited := time.Since(begun); !errors.Is(err, store.ErrUnavailable) || waited != 30*time.Second {
			t.Errorf("after %s: %v", waited, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = s.Write(ctx, ann, nil, func(*store.Tx) error { t.Error("it ran"); return nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller who left: %v", err)
		}
	})
}

func TestAcknowledgedWriteIsSeenByAnotherProcess(t *testing.T) {
	cfg := storetest.Config(t, store.SQLite, schemas)
	s := open(t, cfg)
	other := open(t, cfg)
	for i := range 50 {
		write(t, s, ann, insertNote(t.Context(), fmt.Sprint("n", i), "ann"))
		if n := count(t, other, ann, `SELECT count(*) FROM notes`); n != i+1 {
			t.Fatalf("%d rows seen after %d writes", n, i+1)
		}
	}
}

func TestTwoProcessesMayWriteOneFile(t *testing.T) {
	cfg := storetest.Config(t, store.SQLite, schemas)
	var wg sync.WaitGroup
	for p := range 2 {
		s := open(t, cfg)
		wg.Go(func() {
			for i := range 50 {
				if err := s.Write(t.Context(), ann, nil, insertNote(t.Context(), fmt.Sprint(p, "-", i), "ann")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := count(t, open(t, cfg), ann, `SELECT count(*) FROM notes`); n != 100 {
		t.Errorf("%d rows", n)
	}
}

func TestFullDatabaseIsToldAndNothingIsLost(t *testing.T) {
	cfg := storetest.Config(t, store.SQLite, schemas)
	s := open(t, cfg)
	write(t, s, ann, func(tx *store.Tx) error { return store.Raw(tx, "PRAGMA max_page_count = 60") })
	acknowledged, refused := fill(t, s)
	if refused == 0 {
		t.Fatal("the database was never full")
	}
	same(t, s, acknowledged)
	same(t, open(t, cfg), acknowledged)
	write(t, s, ann, insertNote(t.Context(), "after", "ann")) // there is room again
}

// The same with a disk that takes no more, which is what the limit of the size
// of a file looks like to SQLite.
func TestFullDiskIsToldAndNothingIsLost(t *testing.T) {
	cfg := storetest.Config(t, store.SQLite, schemas)
	s := open(t, cfg)
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 300_000, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	acknowledged, refused := fill(t, s)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if refused == 0 {
		t.Fatal("the disk was never full")
	}
	same(t, s, acknowledged)
	write(t, s, ann, insertNote(t.Context(), "after", "ann"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, open(t, cfg), append(acknowledged, "after"))
}

// fill writes from several goroutines until the database is full.
func fill(t *testing.T, s *store.Store) (acknowledged []string, refused int) {
	t.Helper()
	var mu sync.Mutex
	var full atomic.Int64
	var wg sync.WaitGroup
	body := []byte(strings.Repeat("x", 2000))
	for g := range 4 {
		wg.Go(func() {
			for i := 0; i < 300 && full.Load() < 20; i++ {
				id := fmt.Sprint(g, "-", i)
				err := s.Write(t.Context(), ann, nil, func(tx *store.Tx) error {
					_, err := tx.Exec(t.Context(), `INSERT INTO notes (id, owner, body) VALUES ($1, 'ann', $2)`, id, body)
					return err
				})
				if err == nil {
					mu.Lock()
					acknowledged = append(acknowledged, id)
					mu.Unlock()
					continue
				}
				full.Add(1)
				if p := store.Problem(err); !errors.Is(err, store.ErrUnavailable) || p.Status != 503 || p.Retry == nil {
					t.Errorf("got %v", err)
				}
			}
		})
	}
	wg.Wait()
	return acknowledged, int(full.Load())
}

// same fails when an acknowledged row is missing, or one is there that never was.
func same(t *testing.T, s *store.Store, ids []string) {
	t.Helper()
	if n := count(t, s, ann, `SELECT count(*) FROM notes`); n < len(ids) {
		t.Errorf("%d rows, %d were acknowledged", n, len(ids))
	}
	for _, id := range ids {
		if count(t, s, ann, `SELECT count(*) FROM notes WHERE id = $1`, id) != 1 {
			t.Errorf("acknowledged %s is lost", id)
		}
	}
}

func TestFileIsPrivate(t *testing.T) {
	fresh := filepath.Join(t.TempDir(), "fresh.db")
	open(t, store.Config{Path: fresh})
	if info, err := os.Stat(fresh); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a new file: %v %v", info, err)
	}
	path := filepath.Join(t.TempDir(), "odd name ?#%41&x=y.db")
	m, err := store.OpenMigrator(t.Context(), store.Config{Path: path}, schemas...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, store.Config{Path: path})
	write(t, s, ann, insertNote(t.Context(), "a", "ann"))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", suffix, info.Mode(), err)
		}
	}
}

func TestOneProcessServesAFile(t *testing.T) {
	cfg := storetest.Config(t, store.SQLite, schemas)
	cfg.Exclusive = true
	s := open(t, cfg)
	_, err := store.Open(t.Context(), cfg)
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("a second server: %v", err)
	}
	beside := cfg
	beside.Exclusive = false
	write(t, open(t, beside), ann, insertNote(t.Context(), "a", "ann")) // an administrator's command
	m, err := store.OpenMigrator(t.Context(), cfg, schemas...)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Up(t.Context()); !errors.Is(err, store.ErrLocked) {
		t.Errorf("migrating a file that is served: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Up(t.Context()); err != nil {
		t.Errorf("migrating afterwards: %v", err)
	}
	if err := open(t, cfg).Close(); err != nil {
		t.Error(err)
	}
}

func TestBadSQLitePaths(t *testing.T) {
	for _, path := range []string{"", ":memory:", filepath.Join(t.TempDir(), "no", "such", "folder.db"), t.TempDir()} {
		if s, err := store.Open(t.Context(), store.Config{Path: path, Wait: -1}); err == nil {
			t.Errorf("%q was opened", path)
			_ = s.Close()
		}
	}
	file := filepath.Join(t.TempDir(), "text.db")
	if err := os.WriteFile(file, []byte(strings.Repeat("this is not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Config{Path: file}); err == nil || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a file that is no database: %v", err)
	}
	if _, err := store.Open(t.Context(), store.Config{Engine: "mysql"}); err == nil {
		t.Error("an engine that is not there")
	}
}
