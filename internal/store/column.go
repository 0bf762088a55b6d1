package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// textColumn and bigintColumn are arrays of PostgreSQL, text[] and bigint[], made
// of arguments as they are. An array of strings would have pgx put each of them
// into an interface of its own once more.
type (
	textColumn   []any
	bigintColumn []any
)

// Dimensions and what follows is how pgx reads an array.
func (c textColumn) Dimensions() []pgtype.ArrayDimension { return oneDimension(len(c)) }

// Index is the element i, from 0.
func (c textColumn) Index(i int) any { return c[i] }

// IndexType is what the elements are.
func (textColumn) IndexType() any { return "" }

// Dimensions is the length.
func (c bigintColumn) Dimensions() []pgtype.ArrayDimension { return oneDimension(len(c)) }

// Index is the element i, from 0.
func (c bigintColumn) Index(i int) any { return c[i] }

// IndexType is what the elements are.
func (bigintColumn) IndexType() any { return int64(0) }

func oneDimension(length int) []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(length), LowerBound: 1}}
}

// knowColumns tells a connection which type a column has where the server does
// not say it beforehand (default_query_exec_mode=exec).
func knowColumns(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterDefaultPgType(textColumn{}, "_text")
	conn.TypeMap().RegisterDefaultPgType(bigintColumn{}, "_int8")
	return nil
}

// columnsOf turns the arguments of the same statement into one array for each
// argument.
func columnsOf(rows [][]any) ([]any, error) {
	columns := make([]any, len(rows[0]))
	for i := range columns {
		var err error
		switch rows[0][i].(type) {
		case int64:
			columns[i], err = column[bigintColumn](rows, i)
		case string:
			columns[i], err = column[textColumn](rows, i)
		default:
			err = fmt.Errorf("argument %d is neither int64 nor string", i+1)
		}
		if err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// column is the argument i of each row. One of another type is pgx's to refuse.
func column[C ~[]any](rows [][]any, i int) (C, error) {
	list := make(C, len(rows))
	for n, args := range rows {
		if i >= len(args) {
			return nil, errors.New("an argument for many rows is missing")
		}
		list[n] = args[i]
	}
	return list, nil
}
