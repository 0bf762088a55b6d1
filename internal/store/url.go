package store

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Target is what may be told of a PostgreSQL URL: everything but the password.
type Target struct {
	Host     string // the first, when there are several; a path is a socket's folder
	Port     int
	Database string
	User     string
	Local    bool   // every host is this machine: loopback or a socket
	TLS      string // the sslmode in force: "verify-full" unless Local or the URL says otherwise
}

// String is the target for people: host:port/database.
func (t Target) String() string {
	if strings.HasPrefix(t.Host, "/") {
		return t.Host + "/" + t.Database
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) + "/" + t.Database
}

// ParseURL reads a PostgreSQL URL, with libpq's environment (PGHOST, PGUSER,
// PGPASSWORD, PGSSLMODE, ...) for what it leaves out. A connection that leaves
// this machine is encrypted and the server's name verified, unless the URL
// states another sslmode. The simple query protocol, which puts arguments into
// the text of a statement, is refused. Errors never hold the password.
func ParseURL(raw string) (Target, error) {
	t, _, err := parseURL(raw)
	return t, err
}

func parseURL(raw string) (Target, *pgxpool.Config, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Opaque != "" {
		return Target{}, nil, errors.New("the database URL has not the form postgres://user:password@host:5432/name")
	}
	q := u.Query()
	if strings.HasPrefix(q.Get("default_query_exec_mode"), "simple") {
		return Target{}, nil, errors.New("default_query_exec_mode=simple_protocol binds arguments in the client: take it out of the database URL")
	}
	mode := q.Get("sslmode")
	if mode == "" {
		mode = os.Getenv("PGSSLMODE")
	}
	stated := mode != ""
	if !stated {
		mode = "prefer"
	}
	pc, err := parseAs(u, q, mode)
	if err != nil {
		return Target{}, nil, err
	}
	local := isLocal(&pc.ConnConfig.Config)
	if !stated && !local {
		mode = "verify-full"
		if pc, err = parseAs(u, q, mode); err != nil {
			return Target{}, nil, err
		}
	}
	cc := pc.ConnConfig
	if cc.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		return Target{}, nil, errors.New("the database URL asks for the simple query protocol, which binds arguments in the client")
	}
	return Target{
		Host: cc.Host, Port: int(cc.Port), Database: cc.Database, User: cc.User, Local: local, TLS: mode,
	}, pc, nil
}

func parseAs(u *url.URL, q url.Values, mode string) (*pgxpool.Config, error) {
	q.Set("sslmode", mode)
	c := *u
	c.RawQuery = q.Encode()
	pc, err := pgxpool.ParseConfig(c.String())
	if err == nil {
		return pc, nil
	}
	// The error repeats the URL; only what is below it may be told, and only
	// when it does not repeat the password either.
	why := "a setting in it is not valid"
	if below := errors.Unwrap(err); below != nil && !strings.Contains(below.Error(), "://") {
		why = below.Error()
	}
	if password, ok := u.User.Password(); ok && password != "" && strings.Contains(why, password) {
		why = "a setting in it is not valid"
	}
	return nil, fmt.Errorf("the database URL cannot be used: %s", why)
}

func isLocal(c *pgconn.Config) bool {
	for _, f := range c.Fallbacks {
		if !localHost(f.Host) {
			return false
		}
	}
	return localHost(c.Host)
}

func localHost(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// connConfig adds to a URL what every connection of ours has. What the URL
// states itself stays.
func (c Config) connConfig(raw string) (Target, *pgxpool.Config, error) {
	target, pc, err := parseURL(raw)
	if err != nil {
		return Target{}, nil, err
	}
	cc := pc.ConnConfig
	for name, value := range map[string]string{
		"application_name":                    "gatehouse",
		"statement_timeout":                   milliseconds(c.Timeouts.Statement),
		"lock_timeout":                        milliseconds(c.Timeouts.Lock),
		"idle_in_transaction_session_timeout": milliseconds(c.Timeouts.Idle),
	} {
		if _, stated := cc.RuntimeParams[name]; !stated {
			cc.RuntimeParams[name] = value
		}
	}
	if cc.ConnectTimeout <= 0 || cc.ConnectTimeout > c.Timeouts.Connect {
		cc.ConnectTimeout = c.Timeouts.Connect
	}
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3, // a silent server is given up after 25 s
	}}
	cc.DialFunc = dialer.DialContext
	return target, pc, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
