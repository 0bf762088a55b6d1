package tlsedge

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// The limits of a server that states no others.
const (
	DefaultReadHeaderTimeout = 5 * time.Second  // TLS handshake, and each request's header
	DefaultReadTimeout       = 30 * time.Second // a request from its first byte to the end of its body
	DefaultWriteTimeout      = 30 * time.Second // from the end of the header to the end of the answer
	DefaultIdleTimeout       = 60 * time.Second // between two requests
	DefaultMaxHeaderBytes    = 16 << 10         // request line and header; net/http adds 4 KiB of grace
)

// maxStreams is how many HTTP/2 requests one connection may have open: what RFC
// 9113 §6.5.2 advises at the least. All connections together have no more of them
// than there may be connections, see streams.
const maxStreams = 100

// maxFrame is the least that RFC 9113 §4.2 allows: what one frame may make us
// hold before a handler has asked for it.
const maxFrame = 16 << 10

// ServerConfig is what a server is made of. A time that is 0 is the default
// above; a negative one is an error, for none of these limits can be off.
//
// A connection that a handler takes over (a WebSocket) leaves all these times
// behind. A handler that streams sets its own with
// http.ResponseController.SetWriteDeadline.
type ServerConfig struct {
	Addr    string       // where it will listen: "localhost:8001"; may be empty when Listen is given the address
	Handler http.Handler // required

	// Certificates are the files of one or more certificate chains with their
	// keys, PEM. They are read again when they change, without a restart.
	Certificates []KeyPair
	// GetCertificate is another source of certificates, asked instead.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

	ReadHeaderTimeout time.Duration // DefaultReadHeaderTimeout when 0, and so on
	ReadTimeout       time.Duration // of a request with its body
	WriteTimeout      time.Duration // of an answer
	IdleTimeout       time.Duration // between two requests
	MaxHeaderBytes    int           // of the request line and header

	// Log is told what net/http has to say, the same of one address at most once a
	// minute, and of certificates that cannot be read again; nil is nobody.
	Log slog.Handler
	Now func() time.Time // the clock for certificates and for Log; time.Now when nil

	// Refused is told of each request that is refused on the connection, and what
	// is wrong with it: the words of the log, of which there are some thirty.
	// Reloaded is told whenever changed certificate files were read again: nil, or
	// why the last good ones stay in use. Neither must block; nil is nobody.
	Refused  func(peer netip.Addr, fault string)
	Reloaded func(error)

	Proxies       []netip.Prefix // declared proxies, which may end the encryption in front of us
	InsecurePlain bool           // without certificates: listens beyond the loopback even without a proxy
}

// NewServer returns a server with the timeouts and the TLS policy of this
// package. It fails for a time below zero, for certificate files that are
// missing, unreadable, not a pair, or not valid now, and for an address beyond
// the loopback that would be served in the clear. Serve starts it.
func NewServer(cfg ServerConfig) (*http.Server, error) {
	if cfg.Handler == nil {
		return nil, errors.New("tlsedge: ServerConfig.Handler is missing")
	}
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	policy, err := cfg.tls()
	if err != nil {
		return nil, err
	}
	if policy == nil && !cfg.InsecurePlain && len(cfg.Proxies) == 0 && !onLoopback(cfg.Addr) {
		return nil, fmt.Errorf("tlsedge: %s would be served unencrypted: configure certificates, declare the proxy that encrypts, or listen on localhost", cfg.Addr)
	}
	srv := &http.Server{
		Addr:              cfg.Addr,
		Handler:           newStreams(cfg.Handler, cfg.Proxies),
		TLSConfig:         policy,
		ReadHeaderTimeout: cfg.ReadHeaderTimeout,
		ReadTimeout:       cfg.ReadTimeout,
		WriteTimeout:      cfg.WriteTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    cfg.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(newComplaints(cfg.Log, cfg.Now), slog.LevelWarn),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			MaxReadFrameSize:     maxFrame,
			SendPingTimeout:      cfg.IdleTimeout / 2,
			PingTimeout:          cfg.ReadHeaderTimeout,
			WriteByteTimeout:     cfg.WriteTimeout,
		},
		Protocols:                    new(http.Protocols),
		ConnContext:                  cfg.withConn,
		ConnState:                    onTakeover,
		DisableGeneralOptionsHandler: true, // net/http would answer OPTIONS * before any layer sees it
	}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetHTTP2(policy != nil)
	srv.Protocols.SetUnencryptedHTTP2(policy != nil) // as net/http sees the frames of a door, which has decrypted them
	return srv, nil
}

// Serve serves l until it is closed: encrypted when NewServer was given
// certificates, and with HTTP/1.x read strictly, see the package. It returns
// http.ErrServerClosed after Shutdown or Close, and an error for a server that
// is not from NewServer: it would read on as HTTP what a handler has taken over.
func Serve(srv *http.Server, l net.Listener) error {
	if srv.ConnState == nil || srv.ErrorLog == nil || srv.ReadHeaderTimeout <= 0 {
		return errors.New("tlsedge: Serve needs a server of NewServer")
	}
	return srv.Serve(newDoor(srv, l))
}

func (cfg *ServerConfig) defaults() error {
	for _, t := range []struct {
		name     string
		value    *time.Duration
		standard time.Duration
	}{
		{"ReadHeaderTimeout", &cfg.ReadHeaderTimeout, DefaultReadHeaderTimeout},
		{"ReadTimeout", &cfg.ReadTimeout, DefaultReadTimeout},
		{"WriteTimeout", &cfg.WriteTimeout, DefaultWriteTimeout},
		{"IdleTimeout", &cfg.IdleTimeout, DefaultIdleTimeout},
	} {
		if *t.value < 0 {
			return fmt.Errorf("tlsedge: %s is negative; it cannot be off", t.name)
		}
		if *t.value == 0 {
			*t.value = t.standard
		}
	}
	if cfg.MaxHeaderBytes < 0 {
		return errors.New("tlsedge: MaxHeaderBytes is negative")
	}
	if cfg.MaxHeaderBytes == 0 {
		cfg.MaxHeaderBytes = DefaultMaxHeaderBytes
	}
	if cfg.Log == nil {
		cfg.Log = slog.DiscardHandler
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Refused == nil {
		cfg.Refused = func(netip.Addr, string) {}
	}
	return nil
}

// tls is the TLS policy, nil when there are no certificates.
func (cfg *ServerConfig) tls() (*tls.Config, error) {
	get := cfg.GetCertificate
	if get == nil {
		if len(cfg.Certificates) == 0 {
			return nil, nil
		}
		files, err := openCertificates(cfg.Certificates, cfg.Now, slog.New(cfg.Log))
		if err != nil {
			return nil, err
		}
		files.told = cfg.Reloaded
		get = files.get
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   suites(),
		GetCertificate: get,
		NextProtos:     []string{"h2", "http/1.1"},
		// Go's tickets hold for a week, and whoever gets their key reads the early
		// part of all those connections; a handshake costs less than that.
		SessionTicketsDisabled: true,
	}, nil
}

// suites are those of TLS 1.2 with forward secrecy and authenticated
// encryption (RFC 9325 §4.2). TLS 1.3 has no others.
func suites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// onLoopback tells whether addr can be reached from this machine alone. An
// empty one is for the caller's own listener.
func onLoopback(addr string) bool {
	if addr == "" {
		return true
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	a, _ := netip.ParseAddr(host) // a name is no address of ours
	return host == "localhost" || a.Unmap().IsLoopback()
}
