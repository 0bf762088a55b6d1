package headers

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/contract"
)

// The policies for content, by kind of operation.
const (
	APIPolicy = "default-src 'none'; frame-ancestors 'none'"

	// PagePolicy lets a page use what its own origin serves and nothing else; no
	// script or style stands in the page itself.
	PagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types gatehouse"
)

// year is the least time that ASVS 5.0 3.4.1 accepts for HSTS.
const year = 365 * 24 * time.Hour

// Config of the layer.
type Config struct {
	CORS       CORS
	HSTS       HSTS
	PagePolicy string          // Content-Security-Policy of operations with page: true; the constant PagePolicy when ""
	Table      *contract.Table // for use without call: which operations are pages, which methods a path answers

	// InsecurePagePolicy is a PagePolicy that is not examined: it may let in
	// inline script, foreign origins and frames.
	InsecurePagePolicy string
}

// HSTS is how long browsers remember to come by TLS alone (RFC 6797).
type HSTS struct {
	MaxAge  time.Duration // a year when 0, which is also the least
	Preload bool          // asks for a place in the browsers' own lists; hard to undo

	// InsecureOff leaves Strict-Transport-Security out.
	InsecureOff bool
}

// New returns the layer. It fails for an origin that is not exact and for a page
// policy that is not strict; all faults are told at once.
func New(cfg Config) (func(http.Handler) http.Handler, error) {
	l, err := newLayer(cfg)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.serve(w, r, next) })
	}, nil
}

// field is a header field, ready to be assigned.
type field struct {
	name  string // in the spelling of net/http
	value []string
}

func fieldOf(name, value string) field {
	return field{http.CanonicalHeaderKey(name), []string{value}[:1:1]}
}

type layer struct {
	fixed []field
	api   field
	page  field
	hsts  []string
	keep  []string // Cache-Control where nobody states one
	cors  cors
	table *contract.Table
}

// fixedFields are the same on every answer.
func fixedFields() []field {
	return []field{
		fieldOf("X-Content-Type-Options", "nosniff"),
		fieldOf("X-Frame-Options", "DENY"),
		fieldOf("X-XSS-Protection", "0"),
		fieldOf("Referrer-Policy", "no-referrer"),
		fieldOf("Permissions-Policy", permissions),
		fieldOf("Cross-Origin-Opener-Policy", "same-origin"),
		fieldOf("Cross-Origin-Resource-Policy", "same-origin"),
		fieldOf("Origin-Agent-Cluster", "?1"),
		fieldOf("X-DNS-Prefetch-Control", "off"),
		fieldOf("X-Download-Options", "noopen"),
		fieldOf("X-Permitted-Cross-Domain-Policies", "none"),
	}
}

// permissions denies what browsers know by name and no API needs. Passkeys
// (publickey-credentials-*) keep their default, which is the own origin.
const permissions = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), " +
	"geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), midi=(), payment=(), " +
	"picture-in-picture=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()"

func newLayer(cfg Config) (*layer, error) {
	hsts, errHSTS := cfg.HSTS.value()
	page, errPage := cfg.pagePolicy()
	cors, errCORS := newCORS(cfg.CORS)
	if err := errors.Join(errHSTS, errPage, errCORS); err != nil {
		return nil, err
	}
	const csp = "Content-Security-Policy"
	return &layer{
		fixed: fixedFields(), api: fieldOf(csp, APIPolicy), page: fieldOf(csp, page),
		hsts: hsts, keep: []string{"no-store"}, cors: cors, table: cfg.Table,
	}, nil
}

func (h HSTS) value() ([]string, error) {
	if h.InsecureOff {
		return nil, nil
	}
	if h.MaxAge == 0 {
		h.MaxAge = year
	}
	if h.MaxAge < year {
		return nil, fmt.Errorf("headers: HSTS.MaxAge is %v; less than a year protects too few visits", h.MaxAge)
	}
	v := "max-age=" + strconv.FormatInt(int64(h.MaxAge/time.Second), 10) + "; includeSubDomains"
	if h.Preload {
		v += "; preload"
	}
	return []string{v}, nil
}

func (cfg Config) pagePolicy() (string, error) {
	policy, examine := cfg.PagePolicy, true
	if cfg.InsecurePagePolicy != "" {
		if policy != "" {
			return "", errors.New("headers: PagePolicy and InsecurePagePolicy are both set")
		}
		policy, examine = cfg.InsecurePagePolicy, false
	}
	if policy == "" {
		policy = PagePolicy
	}
	for _, b := range []byte(policy) {
		if b < 0x20 || b > 0x7e {
			return "", errors.New("headers: the page policy holds a byte that is not printable ASCII")
		}
	}
	if examine {
		return policy, strictPolicy(policy)
	}
	return policy, nil
}

// strictPolicy refuses a policy that would let in foreign or inline content.
func strictPolicy(policy string) error {
	directives := map[string][]string{}
	for part := range strings.SplitSeq(policy, ";") {
		if words := strings.Fields(strings.ToLower(part)); len(words) > 0 {
			directives[words[0]] = words[1:]
		}
	}
	var faults []error
	for _, name := range []string{"default-src", "frame-ancestors", "base-uri"} {
		if _, ok := directives[name]; !ok {
			faults = append(faults, fmt.Errorf("headers: PagePolicy states no %s", name))
		}
	}
	for name, sources := range directives {
		for _, s := range sources {
			if strings.HasPrefix(s, "'unsafe-") || strings.Contains(s, "*") || s == "data:" && strings.HasPrefix(name, "script-") {
				faults = append(faults, fmt.Errorf("headers: PagePolicy allows %s in %s; set InsecurePagePolicy if that is meant", s, name))
			}
		}
	}
	return errors.Join(faults...)
}

func (l *layer) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	alone := call.From(r.Context()) == nil
	r = call.Ensure(w, r)
	c := call.From(r.Context())
	if alone {
		w = c.ResponseWriter()
	}
	c.Resolve(l.table, r)
	mode := c.Mode("headers")
	if mode == call.Off {
		next.ServeHTTP(w, r)
		return
	}
	h := w.Header()
	origin := l.cors.allowed(r)
	if mode == call.Report && origin == nil && foreign(r) {
		call.Stopped(w, r, unlisted(), leave)
	}
	c.Before(func(int) { l.write(h, c, r, origin) })
	if l.cors.preflight(w, r, c, origin) {
		return
	}
	next.ServeHTTP(w, r)
	if status, _ := c.Answer(); status == 0 { // net/http will send 200 by itself
		l.write(h, c, r, origin)
	}
}

// write has the last word on the header of an answer.
func (l *layer) write(h http.Header, c *call.Call, r *http.Request, origin []string) {
	for i := range l.fixed {
		h[l.fixed[i].name] = l.fixed[i].value
	}
	policy := &l.api
	op := c.Operation()
	if op != nil && op.Page {
		policy = &l.page
	}
	if h["Cache-Control"] == nil {
		h["Cache-Control"] = l.keep
		if op != nil && op.Cache != "" {
			h["Cache-Control"] = []string{op.Cache}
		}
	}
	h[policy.name] = policy.value
	if l.hsts != nil && (c.Secure() || r.TLS != nil) && !loopback(r.Host) {
		h["Strict-Transport-Security"] = l.hsts
	} else {
		delete(h, "Strict-Transport-Security")
	}
	delete(h, "Server")
	delete(h, "X-Powered-By")
	l.cors.write(h, origin)
}

// loopback tells whether a Host names this machine. A browser that remembers
// HSTS for localhost would no longer reach anybody's development server.
func loopback(host string) bool {
	name := strings.TrimSuffix(strings.ToLower(hostname(host)), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.Unmap().IsLoopback()
}

// hostname cuts the port and the brackets of IPv6 off a Host.
func hostname(host string) string {
	if v6, ok := strings.CutPrefix(host, "["); ok {
		name, _, _ := strings.Cut(v6, "]")
		return name
	}
	name, _, _ := strings.Cut(host, ":")
	return name
}
