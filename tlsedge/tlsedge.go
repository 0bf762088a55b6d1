package tlsedge

import (
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Config of the layer.
type Config struct {
	// Hosts are the names and addresses that requests may name in Host, with any
	// port: "api.example.org", "192.0.2.7", "[2001:db8::7]". Empty are the
	// loopback names alone: localhost, 127.0.0.1 and [::1].
	Hosts []string

	// Proxies are peers whose X-Forwarded-Proto and Forwarded (proto=) count.
	Proxies []netip.Prefix

	// Redirect answers plain GET and HEAD requests with 308 to the same host and
	// path over https, whatever they accept (RFC 9110 §15.4.9). All other methods
	// are refused: 308 would have the client send the same body again, and nobody
	// would notice that it goes out in the clear each time.
	Redirect     bool
	RedirectPort int // where https is answered; 443 when 0

	InsecurePlain   bool // answers plain HTTP from anywhere
	InsecureAnyHost bool // answers whatever Host names
}

type layer struct {
	cfg   Config
	hosts map[string]bool
	port  string // of redirects, with its colon; "" for 443
}

// New returns the layer, or says what is wrong with cfg.
func New(cfg Config) (func(http.Handler) http.Handler, error) {
	l, err := newLayer(cfg)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return ensured(func(w http.ResponseWriter, r *http.Request) { l.serve(w, r, next) })
	}, nil
}

// NewRedirect returns the handler of a listener for plain HTTP that serves
// nothing but the way to https, as Redirect does, also to this machine and in
// every mode of the layer. It fails as New does.
func NewRedirect(cfg Config) (http.Handler, error) {
	cfg.Redirect = true
	l, err := newLayer(cfg)
	if err != nil {
		return nil, err
	}
	return ensured(func(w http.ResponseWriter, r *http.Request) {
		switch host, ours := l.hostOf(r); {
		case !ours:
			call.Refuse(w, r, misdirected())
		case !reads(r):
			call.Refuse(w, r, plain())
		default:
			l.redirect(w, r, host)
		}
	}), nil
}

func newLayer(cfg Config) (*layer, error) {
	if cfg.Redirect && cfg.InsecureAnyHost {
		return nil, errors.New("tlsedge: Redirect with InsecureAnyHost would redirect to any host")
	}
	if cfg.RedirectPort < 0 || cfg.RedirectPort > 65535 {
		return nil, errors.New("tlsedge: RedirectPort is not a port")
	}
	if len(cfg.Hosts) == 0 {
		cfg.Hosts = []string{"localhost", "127.0.0.1", "[::1]"}
	}
	hosts, err := hostSet(cfg.Hosts)
	if err != nil {
		return nil, err
	}
	l := &layer{cfg: cfg, hosts: hosts}
	if cfg.RedirectPort != 0 && cfg.RedirectPort != 443 {
		l.port = ":" + strconv.Itoa(cfg.RedirectPort)
	}
	return l, nil
}

// ensured serves with a Call, also alone.
func ensured(serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		alone := call.From(r.Context()) == nil
		r = call.Ensure(w, r)
		if alone {
			w = call.From(r.Context()).ResponseWriter()
		}
		serve(w, r)
	})
}

func (l *layer) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	c := call.From(r.Context())
	beforeSwitching(c, r)
	if l.encrypted(r) {
		c.SetSecure()
	}
	if contradictory(r) {
		call.Refuse(w, r, problem.Malformed("The request states two hosts or two lengths").From("tls", "one host, one length"))
		return
	}
	mode := c.Mode("tls")
	host, ours := l.hostOf(r)
	ours = ours && (c.Secure() || !strings.EqualFold(r.URL.Scheme, "https")) // RFC 9110 §7.4: not in the clear
	if !l.cfg.InsecureAnyHost && mode != call.Off && !ours && call.Stopped(w, r, misdirected(), allowHost) {
		return
	}
	switch {
	case c.Secure() || l.cfg.InsecurePlain || mode == call.Off || c.Local():
		next.ServeHTTP(w, r)
	case l.cfg.Redirect && mode == call.Enforce && reads(r): // then the host is ours
		l.redirect(w, r, host)
	case !call.Stopped(w, r, plain(), allowPlain):
		next.ServeHTTP(w, r)
	}
}

// hostOf is the host that a request names, and whether it is ours.
func (l *layer) hostOf(r *http.Request) (host string, ours bool) {
	host = normalHost(r.Host)
	return host, l.hosts[host] // what cannot be a host is none of ours
}

func misdirected() *problem.Error {
	return problem.New(http.StatusMisdirectedRequest, "MISDIRECTED_REQUEST", "Misdirected Request",
		"This server does not answer for that host name").From("tls", "host is ours")
}

func plain() *problem.Error {
	return problem.New(http.StatusForbidden, "TLS_REQUIRED", "TLS Required",
		"Use https: this request arrived unencrypted").From("tls", "encrypted")
}

// allowHost does not repeat the host: it is the client's word.
func allowHost(*call.Call, *problem.Error) string { return "gatehouse.yaml: hosts: [the name]" }

func allowPlain(*call.Call, *problem.Error) string {
	return "gatehouse.yaml: accept_risk: [plain-http]"
}

// encrypted tells whether the request travelled encrypted to us, or to a
// declared proxy that says so. Of several values the last is the word of the
// proxy next to us; what stands before it came from outside. A proxy writes one
// of the two fields, and may pass the other on as the client sent it: where both
// are there, both must say https.
func (l *layer) encrypted(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	said, standard := r.Header["X-Forwarded-Proto"], r.Header["Forwarded"]
	if len(said)+len(standard) == 0 || !l.declared(peer(r)) {
		return false
	}
	return (len(said) == 0 || strings.EqualFold(lastOf(said), "https")) &&
		(len(standard) == 0 || strings.EqualFold(call.ForwardedProto(standard), "https"))
}

func lastOf(fields []string) string {
	last := fields[len(fields)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}

func (l *layer) declared(a netip.Addr) bool {
	for _, p := range l.cfg.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// redirect sends a request to the same place over https. host is ours.
func (l *layer) redirect(w http.ResponseWriter, r *http.Request, host string) {
	w.Header().Set("Location", "https://"+bracketed(host)+l.port+r.URL.RequestURI())
	w.WriteHeader(http.StatusPermanentRedirect)
}

// reads tells whether nothing but the address would be sent again, and there is
// an address: an asterisk behind a host would be another host.
func reads(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.Path != "*"
}

func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
