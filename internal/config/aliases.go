package config

import (
	"cmp"
	"net"
	"net/url"
	"slices"
	"strings"
)

// alias is a group of names from the programs that Gatehouse replaces, which
// together state one setting.
type alias struct {
	names []string // as in the environment; "CLERK_*" stands for all that begin so
	sets  string   // path of the setting; "" for names without an effect
	about string   // for the reference page
	// wants are the names of which at least one must be set; nil is all of them.
	wants []string
	// make turns the values, "" for those not set, into the setting's text.
	make func(get func(string) string) string
}

// aliases is the table of those names, the stronger of two for one setting
// first. docs/reference/env.md lists it.
func aliases() []alias {
	return []alias{
		{names: []string{"GATEHOUSE_ENV"}, sets: "environment", about: "short for GATEHOUSE_ENVIRONMENT", make: first("GATEHOUSE_ENV")},
		{names: []string{"GATEHOUSE_SETUP_TOKEN"}, sets: "identity.setup_token", about: "short for GATEHOUSE_IDENTITY__SETUP_TOKEN", make: first("GATEHOUSE_SETUP_TOKEN")},
		{names: []string{"NODE_ENV"}, sets: "environment", about: "production, development or test", make: first("NODE_ENV")},
		{names: []string{"PORT"}, sets: "listen", about: "the port; the host is localhost, so state listen to be reached from elsewhere",
			make: func(get func(string) string) string { return net.JoinHostPort("localhost", get("PORT")) }},
		{names: []string{"DATABASE_URL"}, sets: "database.url", about: "postgres://user:password@host:port/name", make: first("DATABASE_URL")},
		{names: []string{"PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE"}, sets: "database.url", wants: []string{"PGHOST", "PGDATABASE"},
			about: "joined; PGHOST or PGDATABASE chooses PostgreSQL", make: pgURL("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE")},
		{names: []string{"DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD"}, sets: "database.url", wants: []string{"DB_HOST", "DB_NAME"},
			about: "joined; DB_HOST or DB_NAME chooses PostgreSQL", make: pgURL("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME")},
		{names: []string{"CORS_ORIGIN", "FRONTEND_URL", "FRONTEND_URLS"}, sets: "cors.origins",
			wants: []string{"CORS_ORIGIN", "FRONTEND_URL", "FRONTEND_URLS"}, about: "all of them together, separated by commas", make: origins},
		{names: []string{"JWT_SECRET"}, sets: "identity.token.secret", about: "counts when identity.token.algorithm is HS256", make: first("JWT_SECRET")},
		{names: []string{"JWT_EXPIRES_IN"}, sets: "identity.token.access_ttl", about: "with its unit, as 1h", make: first("JWT_EXPIRES_IN")},
		{names: []string{"TEST_ERROR"}, sets: "scheduler.error_mode", about: "set to anything",
			make: func(func(string) string) string { return "true" }},
		{names: []string{"GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"}, about: "signing in with Google is not in this version"},
		{names: []string{"CLERK_*"}, about: "signing in with Clerk is not in this version"},
		{names: []string{"OPENAI_API_KEY", "GEMINI_API_KEY"}, about: "speech and language models are not in this version"},
	}
}

func first(name string) func(func(string) string) string {
	return func(get func(string) string) string { return get(name) }
}

// triggers are the names that bring the group into effect.
func (a alias) triggers() []string {
	if a.wants != nil {
		return a.wants
	}
	return a.names
}

// secret tells whether a name of the group may hold a secret, and may therefore
// be given as a file.
func (a alias) secret() bool {
	s, ok := find(a.sets)
	return ok && s.secret
}

func (a alias) has(name string) bool {
	return slices.ContainsFunc(a.names, func(n string) bool {
		if prefix, ok := strings.CutSuffix(n, "*"); ok {
			return strings.HasPrefix(name, prefix)
		}
		return n == name
	})
}

// pgURL joins the parts of a connection; localhost and 5432 need not be stated.
// A host that is a path is the folder of a socket.
func pgURL(host, port, user, password, name string) func(func(string) string) string {
	return func(get func(string) string) string {
		u := url.URL{Scheme: "postgres", Path: "/" + get(name)}
		h, p := cmp.Or(get(host), "localhost"), cmp.Or(get(port), "5432")
		if strings.HasPrefix(h, "/") {
			u.RawQuery = url.Values{"host": {h}, "port": {p}}.Encode()
		} else {
			u.Host = net.JoinHostPort(h, p)
		}
		switch {
		case get(password) != "":
			u.User = url.UserPassword(get(user), get(password))
		case get(user) != "":
			u.User = url.User(get(user))
		}
		return u.String()
	}
}

func origins(get func(string) string) string {
	var all []string
	for _, name := range []string{"CORS_ORIGIN", "FRONTEND_URL", "FRONTEND_URLS"} {
		all = append(all, splitList(get(name))...)
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ",")
}

// splitList reads "a, b,c".
func splitList(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}
