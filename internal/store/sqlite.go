package store

import (
	"context"
	"database/sql"
	"errors"
)

type purger struct{}

type statements struct{}

func (*statements) get(context.Context, string) (*sql.Stmt, error) { return nil, nil }

func controlsTransaction(string) bool { return false }

func (s *Store) openSQLite(context.Context) error   { return errors.ErrUnsupported }
func (s *Store) openPostgres(context.Context) error { return errors.ErrUnsupported }
