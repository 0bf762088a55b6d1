// Package storetest gives tests a fresh, migrated database of each engine.
//
// The databases are real: SQLite files, and a PostgreSQL server that the test
// binary starts for itself and stops at its end, on a free port, in a temporary
// folder, as a user that is not root. A package that uses storetest says so:
//
//	func TestMain(m *testing.M) { storetest.Main(m) }
//
// Where PostgreSQL is not installed the tests fail and say what to install:
// half of the storage untested must not look like success.
//
// Each and Open migrate once per set of schemas and copy the result for every
// test. Postgres gives the URLs of a fresh database to a test that starts the
// program itself; NewServer gives a server of its own to a test that stops it.
package storetest
