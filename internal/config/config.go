package config

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

// Environment is the kind of place that Gatehouse runs in.
type Environment string

// The environments. Everything unsafe is refused in Production.
const (
	Production  Environment = "production"
	Development Environment = "development"
	Test        Environment = "test"
	Demo        Environment = "demo" // loopback only, temporary, seeded
)

// Config is all settings of one process, after every source has been read and
// every value checked. Fields are described where they are listed, in the table
// of settings and in docs/reference/config.md.
type Config struct {
	Version        int            // of the format of gatehouse.yaml: 1
	Environment    Environment    // production unless stated
	Listen         string         // host:port of the listener; port 0 takes a free one
	PublicURL      *url.URL       // how clients reach the gate, without a path; nil when not stated
	Data           string         // folder of the database and of keys that were made
	Hosts          []string       // further Host names that requests may ask for, lower case
	TrustedProxies []netip.Prefix // peers whose X-Forwarded-For and Forwarded count
	ProxyProtocol  bool           // they speak the PROXY protocol instead, on every connection
	AcceptRisk     []string       // risks that are accepted, by name

	TLS         TLS
	Database    Database
	CORS        CORS
	HSTS        HSTS
	Identity    Identity
	Limits      map[string]contract.Budget // by name, in place of a contract's own
	XRateLimit  bool                       // answers tell of budgets in the older fields too
	Concurrency Concurrency
	Mode        call.Mode  // of every layer that has modes, as far as Modes does not say otherwise
	Modes       call.Modes // by API and layer
	Log         Log
	Metrics     Metrics
	Scheduler   Scheduler
	Server      Server

	stated map[string]origin // by path: where the value stands; a path that is missing has its default
}

// TLS is layer 1: the certificate and the redirect to it.
type TLS struct {
	CertFile string // PEM, the leaf first; empty for plain HTTP
	KeyFile  string // PEM
	Redirect string // host:port of a plain listener that sends GET and HEAD to https; empty for none
}

// Database is where rows are kept.
type Database struct {
	Engine   store.Engine // which of the two; from URL when not stated
	Path     string       // file of SQLite
	URL      Secret       // postgres:// of the role that the application uses
	OwnerURL Secret       // postgres:// of the role that owns the tables, for migrations
	Pool     store.Pool
	Wait     time.Duration // how long a start waits for the database; 0 tries once
}

// Concurrency is how many calls run at one time; what is above it is refused.
type Concurrency struct {
	Total        int // in all
	PerPrincipal int // of one member, or of the guests of one address
}

// CORS is which other origins may call from a browser.
type CORS struct {
	Origins        []string      // "https://app.example.org", exact
	AllowHeaders   []string      // request fields beside those that are always allowed
	ExposeHeaders  []string      // answer fields beside those that are always exposed
	MaxAge         time.Duration // how long a preflight holds
	PrivateNetwork bool          // from the public internet to a private network
}

// HSTS is what browsers are asked to remember of our TLS.
type HSTS struct {
	Preload bool // in their own lists
}

// Identity is who people are and how they prove it.
type Identity struct {
	SignUp     SignUp
	Issuer     string // iss of our tokens; empty is the address of the gate
	Audience   string // aud of our tokens
	Token      Token
	SealingKey Secret // seals the signing keys at rest; unset: the file SealingKeyPath
	SetupToken Secret // opens the setup page when there is no terminal to print a link on
	Session    Session

	PasswordWords    []string // no password is made of these, and of words that we know, alone
	RefusedPasswords string   // file with more passwords that are refused; "" for none
}

// SignUp is who may become a member.
type SignUp string

// The ways to become a member.
const (
	SignUpOpen   SignUp = "open"
	SignUpInvite SignUp = "invite"
	SignUpOff    SignUp = "off"
)

// Token is how access and refresh tokens are made.
type Token struct {
	Algorithm  Algorithm
	Secret     Secret // shared secret of HS256
	AccessTTL  time.Duration
	RefreshTTL time.Duration
}

// Algorithm is a signature algorithm of RFC 7518 and RFC 8037.
type Algorithm string

// The algorithms that we sign with.
const (
	EdDSA Algorithm = "EdDSA"
	ES256 Algorithm = "ES256"
	HS256 Algorithm = "HS256"
)

// Session is how long a sign-in by cookie lasts.
type Session struct {
	Idle     time.Duration // without a request
	Absolute time.Duration // in all
}

// Log is the record of what happens.
type Log struct {
	Format   LogFormat
	Level    LogLevel
	Slow     time.Duration // a request that takes longer is marked slow
	Requests bool          // a REQUEST record when a call arrives, before its RESPONSE
	Files    LogFiles
}

// LogFiles are combined.log, error.log and, for what is no call beside Apache's
// format, events.log. They are written beside standard error.
type LogFiles struct {
	Folder   string    // where they are; empty for none
	Format   LogFormat // of combined.log: LogJSON or LogCombined
	KeepDays int       // days after which a file that was put away is deleted
	MaxSize  int       // megabytes after which a file is put away before midnight
}

// Metrics are the counters for Prometheus.
type Metrics struct {
	Listen string // host:port of their listener; empty for none
}

// LogFormat is how records are written.
type LogFormat string

// The formats. LogAuto is text on a terminal and JSON elsewhere; LogCombined is
// Apache's for calls and text for the rest.
const (
	LogAuto     LogFormat = "auto"
	LogText     LogFormat = "text"
	LogJSON     LogFormat = "json"
	LogCombined LogFormat = "combined"
)

// LogLevel is the least important record that is written.
type LogLevel string

// The levels of log/slog.
const (
	LogDebug LogLevel = "debug"
	LogInfo  LogLevel = "info"
	LogWarn  LogLevel = "warn"
	LogError LogLevel = "error"
)

// Scheduler is the interview scheduler.
type Scheduler struct {
	Open                bool          // guests may use the original's six routes and its socket
	Pace                time.Duration // how long a booking is held back, as in the original; 0 for not at all
	ErrorMode           bool          // bookings fail as the original's error mode made them fail
	EnforceAvailability bool          // refuse an interviewer who is not there on that day
	Seed                Seed          // what an empty database is filled with
}

// Seed is what an empty scheduler is filled with.
type Seed string

// The seeds.
const (
	SeedNone        Seed = "none"
	SeedTest        Seed = "test"
	SeedDevelopment Seed = "development"
	SeedProduction  Seed = "production"
)

// Server is how the process listens and how it ends.
type Server struct {
	Drain    time.Duration // /readyz says no for so long before the listener closes
	Shutdown time.Duration // how long requests that run may still take
	Timeouts Timeouts
}

// Timeouts bound one connection.
type Timeouts struct {
	Header time.Duration // to send the request's headers
	Read   time.Duration // to send the whole request
	Write  time.Duration // to take the whole answer
	Idle   time.Duration // between two requests
}

// Accepts tells whether a risk is accepted by name.
func (c *Config) Accepts(risk Risk) bool { return slices.Contains(c.AcceptRisk, string(risk)) }

// Loopback tells whether only this machine can reach the listener.
func (c *Config) Loopback() bool { return isLoopback(hostOf(c.Listen)) }

// BaseURL is public_url, or what the listener's address makes of it.
func (c *Config) BaseURL() *url.URL {
	if c.PublicURL != nil {
		u := *c.PublicURL
		return &u
	}
	scheme := "http"
	if c.TLS.CertFile != "" {
		scheme = "https"
	}
	return &url.URL{Scheme: scheme, Host: c.Listen}
}

// HostNames are the names that a request may have as Host, without a port, IPv6
// in brackets: that of public_url, those of hosts, the address of the listener,
// and the loopback names when the listener is a loopback one.
func (c *Config) HostNames() []string {
	names := slices.Clone(c.Hosts)
	if c.PublicURL != nil {
		names = append(names, bracketed(c.PublicURL.Hostname()))
	}
	if host := hostOf(c.Listen); isLoopback(host) {
		names = append(names, "localhost", "127.0.0.1", "[::1]", bracketed(host))
	} else if a, err := netip.ParseAddr(host); err == nil && !a.IsUnspecified() {
		names = append(names, bracketed(host))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// SealingKeyPath is the file for the key that seals the signing keys when
// identity.sealing_key is not set. The first start makes it, readable by the
// owner only.
func (c *Config) SealingKeyPath() string { return filepath.Join(c.Data, "sealing.key") }

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// bracketed writes a host as it stands in a URL.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
