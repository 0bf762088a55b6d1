package config

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

// end is one of the two addresses of PostgreSQL, taken apart.
type end struct {
	store.Target
	path     string // the setting
	password string // as the address states it
	fault    error  // why it cannot be used; holds no password
}

// databaseEnds are the addresses that are set.
func (c *Config) databaseEnds() []end {
	var ends []end
	for _, s := range []struct {
		path string
		is   Secret
	}{{"database.url", c.Database.URL}, {"database.owner_url", c.Database.OwnerURL}} {
		if !s.is.IsSet() {
			continue
		}
		e := end{path: s.path}
		e.Target, e.fault = store.ParseURL(s.is.Reveal())
		if u, err := url.Parse(s.is.Reveal()); err == nil && u.User != nil {
			e.password, _ = u.User.Password()
		}
		ends = append(ends, e)
	}
	return ends
}

// databaseShape finds addresses that cannot be used and settings that do not go
// together.
func (c *Config) databaseShape() contract.Issues {
	var all contract.Issues
	for _, e := range c.databaseEnds() {
		if e.fault != nil {
			all = append(all, c.issue(e.path, codeDatabase, e.path+": "+e.fault.Error(),
				"Write postgres://user:password@host:5432/name; @ / : in the password as %40 %2F %3A.")...)
		}
	}
	d := c.Database
	switch {
	case d.Engine == store.Postgres && !d.URL.IsSet():
		all = append(all, c.issue("database.engine", codeDatabase, "database.engine is postgres and database.url is not set", "Set database.url.")...)
	case d.Engine == store.SQLite && d.URL.IsSet():
		all = append(all, c.issue("database.url", codeDatabase, "database.url is set and database.engine is sqlite", "Leave one of them out.")...)
	case d.Engine == store.SQLite && d.Path == ":memory:":
		all = append(all, c.issue("database.path", codeDatabase, "database.path is in memory, and every connection would have a database of its own", "Name a file.")...)
	case d.OwnerURL.IsSet() && !d.URL.IsSet():
		all = append(all, c.issue("database.owner_url", codeDatabase, "database.owner_url is set and database.url is not", "Set both.")...)
	}
	if d.Pool.Min > d.Pool.Max {
		all = append(all, c.issue("database.pool.min", codeDatabase, fmt.Sprintf("database.pool.min %d is more than database.pool.max %d", d.Pool.Min, d.Pool.Max), "")...)
	}
	return all
}

// databaseRoles refuses one role for both in production, for row-level security
// does not hold the owner of a table. Without the owner's address the process
// holds the weaker credential alone, and cannot migrate; that the role owns
// nothing is asked of the database itself, by who opens it.
func (c *Config) databaseRoles() contract.Issues {
	ends := c.databaseEnds()
	if c.Environment != Production || len(ends) < 2 || ends[0].fault != nil || ends[1].fault != nil || ends[0].User != ends[1].User {
		return nil
	}
	return c.issue("database.url", codeDatabaseRoles, "database.url and database.owner_url have the same role", "Give the application a role of its own.")
}

// databaseTLS refuses connections to other machines on which nobody proves to be
// the server.
func (c *Config) databaseTLS() contract.Issues {
	if c.Environment != Production || c.Accepts(RiskPlainDatabase) {
		return nil
	}
	var all contract.Issues
	for _, e := range c.databaseEnds() {
		if e.fault == nil && !e.Local && !slices.Contains([]string{"verify-full", "verify-ca"}, e.TLS) {
			all = append(all, c.issue(e.path, codeDatabaseTLS, e.path+" has sslmode="+e.TLS,
				"Leave sslmode out (verify-full), name the authority with sslrootcert, or accept it by name: accept_risk: [plain-database]")...)
		}
	}
	return all
}
