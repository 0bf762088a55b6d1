// Package store is the database: SQLite in the process, or PostgreSQL, with one
// set of SQL for both.
package store
