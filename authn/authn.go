package authn

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Config of the layer.
type Config struct {
	Bearer     Verifier        // judges bearer tokens; nil accepts none
	Cookie     Verifier        // judges session cookies; nil accepts none
	CookieName string          // DefaultCookie when empty; must begin with "__Host-"
	Table      *contract.Table // says which operations are public, when the layer is used alone
	Realm      string          // of the challenge in a 401; "gatehouse" when empty

	// TrustedOrigins may send the session cookie beside the host itself: those
	// of a user interface on another host. See NewOrigins.
	TrustedOrigins []string

	// InsecureCookieName allows a name without "__Host-", which a sibling host
	// can plant.
	InsecureCookieName bool
}

type layer struct {
	cfg       Config
	origins   Origins
	challenge string
}

// New returns the layer, or says what is wrong with cfg.
func New(cfg Config) (func(http.Handler) http.Handler, error) {
	if cfg.CookieName == "" {
		cfg.CookieName = DefaultCookie
	}
	if cfg.Realm == "" {
		cfg.Realm = "gatehouse"
	}
	if !strings.HasPrefix(cfg.CookieName, hostPrefix) && !cfg.InsecureCookieName {
		return nil, fmt.Errorf("authn: cookie name %q does not begin with %s", cfg.CookieName, hostPrefix)
	}
	if err := (&http.Cookie{Name: cfg.CookieName}).Valid(); err != nil {
		return nil, fmt.Errorf("authn: cookie name %q: %w", cfg.CookieName, err)
	}
	if strings.ContainsFunc(cfg.Realm, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
		return nil, errors.New("authn: the realm has a character that does not fit between quotes")
	}
	origins, err := NewOrigins(cfg.TrustedOrigins)
	if err != nil {
		return nil, err
	}
	l := &layer{cfg: cfg, origins: origins, challenge: `Bearer realm="` + cfg.Realm + `"`}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if call.From(r.Context()) == nil { // used alone: our writer runs what Before registers
				r = call.Ensure(w, r)
				w = call.From(r.Context()).ResponseWriter()
			}
			c := call.From(r.Context())
			c.Resolve(l.cfg.Table, r)
			if c.Mode("authn") != call.Off {
				if refusal := l.prove(w, r, c); refusal != nil && call.Stopped(w, r, refusal, allow) {
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

// prove states who calls, or refuses.
func (l *layer) prove(w http.ResponseWriter, r *http.Request, c *call.Call) *problem.Error {
	principal, refusal := l.principal(w, r, c)
	if refusal != nil {
		return refusal
	}
	c.SetPrincipal(principal)
	if principal != nil || public(c) {
		return nil
	}
	return problem.Unauthorized("UNAUTHORIZED", "Sign in, or send a bearer token", l.challenge).
		From("authn", noCredentials)
}

// public tells whether guests may pass. What is in no contract is not public.
func public(c *call.Call) bool {
	op := c.Operation()
	return op != nil && op.Access.Public
}

// principal looks at the credentials, the bearer token first; nil is a guest.
func (l *layer) principal(w http.ResponseWriter, r *http.Request, c *call.Call) (*call.Principal, *problem.Error) {
	token, presented, refusal := l.bearer(r)
	if refusal != nil {
		return nil, refusal
	}
	if presented {
		return l.verifyBearer(r, token)
	}
	session, refusal := l.sessionOf(r)
	if session == "" {
		return nil, refusal
	}
	if refusal := l.origins.Check(r, c.Secure()); refusal != nil {
		return nil, refusal
	}
	return l.verifyCookie(w, r, c, session)
}

// bearer reads the one Authorization field (RFC 6750 §2.1). Any other scheme is
// challenged, on public operations too: its sender believes to be somebody.
func (l *layer) bearer(r *http.Request) (token string, presented bool, refusal *problem.Error) {
	fields := r.Header["Authorization"]
	switch len(fields) {
	case 0:
		return "", false, nil
	case 1:
	default:
		return "", false, problem.Malformed("The Authorization field was sent more than once").
			With("WWW-Authenticate", l.challenge+`, error="invalid_request"`).From("authn", "one Authorization field")
	}
	scheme, token, _ := strings.Cut(fields[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false, problem.Unauthorized("UNAUTHORIZED", "This API takes bearer tokens", l.challenge).
			From("authn", "the scheme is Bearer")
	}
	return strings.TrimLeft(token, " "), true, nil
}

func (l *layer) verifyBearer(r *http.Request, token string) (*call.Principal, *problem.Error) {
	if l.cfg.Bearer == nil || !isToken68(token) {
		return nil, l.invalid("The token is not valid", ErrInvalid)
	}
	p, err := l.cfg.Bearer.Verify(r.Context(), token)
	switch {
	case err == nil && p != nil:
		return by("bearer", p), nil
	case errors.Is(err, ErrExpired):
		return nil, l.invalid("The token has expired", err)
	case errors.Is(err, ErrRevoked):
		return nil, l.invalid("The token was revoked", err)
	case err == nil || errors.Is(err, ErrInvalid):
		return nil, l.invalid("The token is not valid", err)
	default:
		return nil, unavailable(err)
	}
}

func (l *layer) verifyCookie(w http.ResponseWriter, r *http.Request, c *call.Call, session string) (*call.Principal, *problem.Error) {
	if l.cfg.Cookie == nil {
		return nil, nil
	}
	if len(session) > MaxToken {
		l.clear(w, c)
		return nil, nil
	}
	p, err := l.cfg.Cookie.Verify(r.Context(), session)
	switch {
	case err == nil && p != nil:
		return by("cookie", p), nil
	case err == nil || dead(err):
		l.clear(w, c)
		return nil, nil
	default:
		return nil, unavailable(err)
	}
}

// invalid is RFC 6750 §3.1 invalid_token. description is one of ours.
func (l *layer) invalid(description string, cause error) *problem.Error {
	challenge := l.challenge + `, error="invalid_token", error_description="` + description + `"`
	return problem.Unauthorized("INVALID_TOKEN", description, challenge).Because(cause).From("authn", "the bearer token holds")
}

func unavailable(cause error) *problem.Error {
	return problem.Unavailable(time.Second, cause).From("authn", "the verifier answers")
}

// isToken68 is the syntax of a bearer token (RFC 6750 §2.1), size capped.
func isToken68(token string) bool {
	if token == "" || len(token) > MaxToken {
		return false
	}
	for i := range len(token) {
		b := token[i]
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && !strings.ContainsRune("-._~+/=", rune(b)) {
			return false
		}
	}
	return true
}

// by states how the principal was proved, without changing one that a verifier
// may share.
func by(method string, p *call.Principal) *call.Principal {
	if p.Method == method {
		return p
	}
	q := *p
	q.Method = method
	return &q
}
