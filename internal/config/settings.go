package config

import (
	"errors"
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

// setting is one row of the table: where the value goes and how it is read.
type setting struct {
	path     string // "database.pool.max"; "limits.*" for any name
	about    string // for the reference page
	form     string
	fallback string // the default as text
	secret   bool
	file     bool // relative to the file that states it
	list     bool
	set      func(*Config, []string) error
	show     func(*Config) string
}

// one is a setting with one value.
func one[T any](path, about, fallback string, k kind[T], at func(*Config) *T) setting {
	return setting{
		path: path, about: about, form: k.form, fallback: fallback, secret: k.secret, file: k.path,
		set: func(c *Config, values []string) error {
			if len(values) != 1 {
				return errors.New("takes one value, not a list")
			}
			v, err := k.parse(values[0])
			if err == nil {
				*at(c) = v
			}
			return err
		},
		show: func(c *Config) string { return k.show(*at(c)) },
	}
}

// optional is a setting whose empty text means that it is not set.
func optional[T any](path, about string, k kind[T], at func(*Config) *T) setting {
	s := one(path, about, "", k, at)
	set := s.set
	s.set = func(c *Config, values []string) error {
		if len(values) == 1 && values[0] == "" {
			var none T
			*at(c) = none
			return nil
		}
		return set(c, values)
	}
	return s
}

// many is a setting with a list of values.
func many[T any](path, about string, k kind[T], at func(*Config) *[]T) setting {
	return setting{
		path: path, about: about, form: "a list, each item " + k.form, list: true,
		set: func(c *Config, values []string) error {
			var list []T
			for _, text := range values {
				v, err := k.parse(text)
				if err != nil {
					return err
				}
				list = append(list, v)
			}
			*at(c) = list
			return nil
		},
		show: func(c *Config) string {
			var texts []string
			for _, v := range *at(c) {
				texts = append(texts, k.show(v))
			}
			return strings.Join(texts, ", ")
		},
	}
}

// budget is the setting of one named budget.
func budget(path string) setting {
	name := strings.TrimPrefix(path, "limits.")
	return setting{
		path: path, form: "a budget, as 5/15m failures per address",
		set: func(c *Config, values []string) error {
			if len(values) != 1 {
				return errors.New("takes one value, not a list")
			}
			b, err := contract.ParseBudget(name, values[0])
			if err == nil {
				c.Limits[name] = b
			}
			return err
		},
		show: func(c *Config) string { return c.Limits[name].String() },
	}
}

// settings is the table. Its order is that of the reference page.
func settings() []setting {
	return slices.Concat(ownSettings(), databaseSettings(), identitySettings(), appSettings())
}

func ownSettings() []setting {
	return []setting{
		one("version", "Format of this file.", "1", integer(1, 1), func(c *Config) *int { return &c.Version }),
		one("environment", "Kind of place. In production everything unsafe is refused.", "production",
			oneOf(Production, Development, Test, Demo), func(c *Config) *Environment { return &c.Environment }),
		one("listen", "Address of the listener. Port 0 takes a free one.", "localhost:8001", address(), func(c *Config) *string { return &c.Listen }),
		optional("public_url", "How clients reach the gate; needed in production beyond loopback.", publicURL(), func(c *Config) **url.URL { return &c.PublicURL }),
		one("data", "Folder for the embedded database and keys that were made.", "gatehouse-data", filePath(), func(c *Config) *string { return &c.Data }),
		many("hosts", "Further Host names that requests may ask for.", hostName(), func(c *Config) *[]string { return &c.Hosts }),
		many("trusted_proxies", "Peers whose X-Forwarded-For, Forwarded and X-Forwarded-Proto count.", network(), func(c *Config) *[]netip.Prefix { return &c.TrustedProxies }),
		one("proxy_protocol", "The peers of trusted_proxies begin every connection with a header of the PROXY protocol, version 2.", "false",
			boolean(), func(c *Config) *bool { return &c.ProxyProtocol }),
		one("mode", "report lets through what layers would refuse, and records it with what would allow it; modes.<api>.<layer> states it apart.", "enforce",
			layerMode(call.Enforce, call.Report), func(c *Config) *call.Mode { return &c.Mode }),
		many("accept_risk", "Risks accepted by name: "+strings.Join(riskNames(), ", ")+".", text("the name of a risk"), func(c *Config) *[]string { return &c.AcceptRisk }),
		optional("tls.cert_file", "Certificate chain, PEM, the leaf first.", filePath(), func(c *Config) *string { return &c.TLS.CertFile }),
		optional("tls.key_file", "Private key of the certificate, PEM.", filePath(), func(c *Config) *string { return &c.TLS.KeyFile }),
		optional("tls.redirect", "Address of a plain listener that redirects GET and HEAD to https, and refuses all else.", address(), func(c *Config) *string { return &c.TLS.Redirect }),
		one("concurrency.total", "Calls that run at one time; above it 503. Health checks do not count.", "1024", integer(1, 1000000),
			func(c *Config) *int { return &c.Concurrency.Total }),
		one("concurrency.per_principal", "Of these, calls of one member, or of the guests of one address (IPv6 by /64); above it 429.", "64", integer(1, 1000000),
			func(c *Config) *int { return &c.Concurrency.PerPrincipal }),
		many("cors.origins", "Origins of browser pages that may call and may use the session cookie.", webOrigin(), func(c *Config) *[]string { return &c.CORS.Origins }),
		many("cors.allow_headers", "Request fields that they may send, beside those that the gate and its APIs know.", text("the name of a field, as X-Tenant"),
			func(c *Config) *[]string { return &c.CORS.AllowHeaders }),
		many("cors.expose_headers", "Answer fields that they may read, likewise.", text("the name of a field, as X-Total-Count"), func(c *Config) *[]string { return &c.CORS.ExposeHeaders }),
		one("cors.max_age", "How long a browser remembers what a preflight said; 2h at most.", "10m", duration(time.Second), func(c *Config) *time.Duration { return &c.CORS.MaxAge }),
		one("cors.private_network", "They may call this server on a private network from the public internet; a risk.", "false", boolean(),
			func(c *Config) *bool { return &c.CORS.PrivateNetwork }),
		one("hsts.preload", "Asks for a place in the browsers' own lists of hosts that are reached over TLS alone, with all subdomains; hard to undo.", "false",
			boolean(), func(c *Config) *bool { return &c.HSTS.Preload }),
		one("x_ratelimit", "Answers tell of the budget of which least is left in X-RateLimit-Limit, -Remaining and -Reset too.", "false",
			boolean(), func(c *Config) *bool { return &c.XRateLimit }),
	}
}

func databaseSettings() []setting {
	return []setting{
		optional("database.engine", "Follows database.url when not stated.", oneOf(store.Engines()...), func(c *Config) *store.Engine { return &c.Database.Engine }),
		optional("database.path", "File of SQLite; gatehouse.db in data when not stated.", filePath(), func(c *Config) *string { return &c.Database.Path }),
		optional("database.url", "PostgreSQL as the application's role.", hidden("postgres://user:password@host:5432/name"), func(c *Config) *Secret { return &c.Database.URL }),
		optional("database.owner_url", "PostgreSQL as the role that owns the tables; for migrations.", hidden("postgres://user:password@host:5432/name"),
			func(c *Config) *Secret { return &c.Database.OwnerURL }),
		one("database.pool.max", "Most connections at one time.", "10", integer(1, 10000), func(c *Config) *int { return &c.Database.Pool.Max }),
		one("database.pool.min", "Connections kept open.", "0", integer(0, 10000), func(c *Config) *int { return &c.Database.Pool.Min }),
		one("database.pool.acquire", "Longest wait for a connection.", "30s", duration(time.Millisecond), func(c *Config) *time.Duration { return &c.Database.Pool.Acquire }),
		one("database.pool.idle", "An unused connection is closed after this time.", "10s", duration(time.Second), func(c *Config) *time.Duration { return &c.Database.Pool.Idle }),
		one("database.wait", "How long a start waits for the database; 0s tries once.", "60s", duration(0), func(c *Config) *time.Duration { return &c.Database.Wait }),
	}
}

func identitySettings() []setting {
	return []setting{
		one("identity.sign_up", "Who may become a member.", "invite", oneOf(SignUpOpen, SignUpInvite, SignUpOff), func(c *Config) *SignUp { return &c.Identity.SignUp }),
		optional("identity.issuer", "Issuer in tokens; the address of the gate when not stated.", text("a text, as https://gate.example.org"), func(c *Config) *string { return &c.Identity.Issuer }),
		one("identity.audience", "Audience in tokens.", "gatehouse", text("a text"), func(c *Config) *string { return &c.Identity.Audience }),
		many("identity.password_words", "Names of the organisation and the like; no password is made of such words alone.", text("a text, as Acme Rockets"),
			func(c *Config) *[]string { return &c.Identity.PasswordWords }),
		optional("identity.refused_passwords", "File with passwords that are refused, one on each line, UTF-8, a million at most.", filePath(),
			func(c *Config) *string { return &c.Identity.RefusedPasswords }),
		one("identity.token.algorithm", "Signature of access tokens. HS256 needs identity.token.secret.", "EdDSA",
			oneOf(EdDSA, ES256, HS256), func(c *Config) *Algorithm { return &c.Identity.Token.Algorithm }),
		optional("identity.token.secret", "Shared secret for HS256.", hidden("32 bytes or more"), func(c *Config) *Secret { return &c.Identity.Token.Secret }),
		one("identity.token.access_ttl", "Life of an access token.", "15m", duration(time.Second), func(c *Config) *time.Duration { return &c.Identity.Token.AccessTTL }),
		one("identity.token.refresh_ttl", "Life of a refresh token.", "30d", duration(time.Second), func(c *Config) *time.Duration { return &c.Identity.Token.RefreshTTL }),
		optional("identity.sealing_key", "Seals the signing keys at rest. Not stated: the file sealing.key in data, made at the first start.",
			hidden("32 bytes or more"), func(c *Config) *Secret { return &c.Identity.SealingKey }),
		optional("identity.setup_token", "Opens the setup page once, where there is no terminal to print a link on.",
			hidden("32 bytes or more"), func(c *Config) *Secret { return &c.Identity.SetupToken }),
		one("identity.session.idle", "A sign-in by cookie ends after this time without a request.", "12h", duration(time.Second),
			func(c *Config) *time.Duration { return &c.Identity.Session.Idle }),
		one("identity.session.absolute", "A sign-in by cookie ends after this time.", "7d", duration(time.Second),
			func(c *Config) *time.Duration { return &c.Identity.Session.Absolute }),
	}
}

func appSettings() []setting {
	return []setting{
		one("log.format", "auto is text on a terminal and JSON elsewhere; combined is Apache's format.", "auto",
			oneOf(LogAuto, LogText, LogJSON, LogCombined), func(c *Config) *LogFormat { return &c.Log.Format }),
		one("log.level", "Least important record that is written.", "info", oneOf(LogDebug, LogInfo, LogWarn, LogError), func(c *Config) *LogLevel { return &c.Log.Level }),
		one("log.slow", "A request that takes longer is marked slow.", "1s", duration(time.Millisecond), func(c *Config) *time.Duration { return &c.Log.Slow }),
		one("log.requests", "Writes a REQUEST record when a call arrives, before its RESPONSE.", "false", boolean(), func(c *Config) *bool { return &c.Log.Requests }),
		optional("log.files.folder", "Folder for the files of the log, beside standard error; no files when not stated.", filePath(),
			func(c *Config) *string { return &c.Log.Files.Folder }),
		one("log.files.format", "Format of combined.log. With combined, which has calls alone, the rest is in events.log; that and error.log are JSON.", "json", oneOf(LogJSON, LogCombined), func(c *Config) *LogFormat { return &c.Log.Files.Format }),
		one("log.files.keep_days", "Days after which files that were put away are deleted, at midnight (UTC).", "30", integer(1, 3650), func(c *Config) *int { return &c.Log.Files.KeepDays }),
		one("log.files.max_size", "Megabytes after which a file is put away; at midnight (UTC) it is in any case.", "100", integer(1, 100000),
			func(c *Config) *int { return &c.Log.Files.MaxSize }),
		optional("metrics.listen", "Address of a listener that answers GET /metrics for Prometheus, as localhost:9464; none when not stated.", address(),
			func(c *Config) *string { return &c.Metrics.Listen }),
		one("scheduler.open", "Guests may use the six routes and the socket of the original; a risk in production.", "false",
			boolean(), func(c *Config) *bool { return &c.Scheduler.Open }),
		one("scheduler.pace", "Holds bookings back, as the original did (1s); not in production.", "0s", duration(0), func(c *Config) *time.Duration { return &c.Scheduler.Pace }),
		one("scheduler.error_mode", "Bookings fail, to see how a client takes it; not in production.", "false", boolean(), func(c *Config) *bool { return &c.Scheduler.ErrorMode }),
		one("scheduler.enforce_availability", "Refuses an interviewer who is not there on that day.", "false", boolean(),
			func(c *Config) *bool { return &c.Scheduler.EnforceAvailability }),
		one("scheduler.seed", "What an empty scheduler is filled with. test and development are not for production.", "none",
			oneOf(SeedNone, SeedTest, SeedDevelopment, SeedProduction), func(c *Config) *Seed { return &c.Scheduler.Seed }),
		one("server.drain", "At the end /readyz says no for this time before the listener closes.", "0s", duration(0), func(c *Config) *time.Duration { return &c.Server.Drain }),
		one("server.shutdown", "At the end requests that run may take this time.", "20s", duration(0), func(c *Config) *time.Duration { return &c.Server.Shutdown }),
		one("server.timeouts.header", "Time to send the headers of a request.", "5s", duration(time.Millisecond), func(c *Config) *time.Duration { return &c.Server.Timeouts.Header }),
		one("server.timeouts.read", "Time to send a whole request.", "30s", duration(time.Millisecond), func(c *Config) *time.Duration { return &c.Server.Timeouts.Read }),
		one("server.timeouts.write", "Time to take a whole answer.", "60s", duration(time.Millisecond), func(c *Config) *time.Duration { return &c.Server.Timeouts.Write }),
		one("server.timeouts.idle", "Time between two requests on a connection.", "120s", duration(time.Millisecond), func(c *Config) *time.Duration { return &c.Server.Timeouts.Idle }),
	}
}

// find returns the setting of a path.
func find(path string) (setting, bool) {
	if name, ok := strings.CutPrefix(path, "limits."); ok && name != "" && !strings.Contains(name, ".") {
		return budget(path), true
	}
	if s, ok := modeOf(path); ok {
		return s, true
	}
	for _, s := range settings() {
		if s.path == path {
			return s, true
		}
	}
	return setting{}, false
}

// keysBelow are the names that may stand in the mapping at a path, "" for the
// top.
func keysBelow(path string) []string {
	var names []string
	if path == "" {
		names = append(names, "limits", "modes")
	}
	if strings.HasPrefix(path, modesBelow) {
		return call.Relaxable()
	}
	for _, s := range settings() {
		rest := s.path
		if path != "" {
			var below bool
			if rest, below = strings.CutPrefix(s.path, path+"."); !below {
				continue
			}
		}
		name, _, _ := strings.Cut(rest, ".")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// isMapping tells whether a path is one of the mappings of the tree.
func isMapping(path string) bool {
	return path == "limits" || path == "modes" || len(keysBelow(path)) > 0 && path != ""
}

// resolve makes a path that a file states relative to that file's folder.
func (s setting) resolve(values []string, folder string) []string {
	if !s.file || folder == "" {
		return values
	}
	var absolute []string
	for _, v := range values {
		if v != "" && !filepath.IsAbs(v) {
			v = filepath.Join(folder, v)
		}
		absolute = append(absolute, v)
	}
	return absolute
}
