package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/tlsedge"
)

type healthCmd struct {
	URL string `arg:"" optional:"" help:"Base address of the server; the listener of the settings when not given."`
}

// asked is a server whose health is asked for.
type asked struct {
	url      string         // base address, with the name that the server goes by
	listener string         // where it is dialled; "" is where the address says
	trust    *x509.CertPool // whose certificates are believed; nil for those that the system trusts
	proxies  []netip.Prefix // peers of which the server wants a PROXY header
}

// server is what the address names; without one it is the listener of the
// settings, on this machine.
func (h healthCmd) server(t *terminal) (asked, error) {
	if h.URL == "" {
		cfg, report := config.Load(config.Input{Environ: t.env, Dir: ".", ConfigPath: t.global.Config})
		if err := report.Err(); err != nil {
			return asked{}, fmt.Errorf("the settings do not say where the server listens: %w", err)
		}
		return own(cfg)
	}
	address := strings.TrimRight(h.URL, "/")
	if !strings.Contains(address, "://") {
		address = "http://" + address // a host and a port alone
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return asked{}, fmt.Errorf("%q is no address of a server; write it as http://localhost:8001", h.URL)
	}
	return asked{url: address}, nil
}

// own is the listener of the settings under the name of public_url: that is what
// its certificate is for, and what Host must be. The certificate itself is
// believed, whoever signed it: it is that of the file.
func own(cfg *config.Config) (asked, error) {
	host, port, _ := net.SplitHostPort(cfg.Listen) // checked with the settings
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		host = "localhost"
	}
	s := asked{listener: net.JoinHostPort(host, port)}
	name := s.listener
	if cfg.PublicURL != nil {
		name = cfg.PublicURL.Host
	}
	s.url = "http://" + name
	if cfg.ProxyProtocol {
		s.proxies = cfg.TrustedProxies
	}
	if cfg.TLS.CertFile == "" {
		return s, nil
	}
	s.url = "https://" + name
	leaf, err := firstCertificate(cfg.TLS.CertFile)
	if err != nil {
		return s, fmt.Errorf("reading tls.cert_file, %s: %w", cfg.TLS.CertFile, err)
	}
	s.trust = x509.NewCertPool()
	s.trust.AddCert(leaf)
	return s, nil
}

// firstCertificate reads the leaf of a chain.
func firstCertificate(file string) (*x509.Certificate, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("it holds no certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

// client asks s and nobody else: no proxy, and no place that an answer leads to.
func (s asked) client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{Proxy: nil, DialContext: s.dial, TLSClientConfig: &tls.Config{RootCAs: s.trust}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dial connects, and begins as a declared proxy of this machine has to.
func (s asked) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if s.listener != "" {
		address = s.listener
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	from, _ := netip.ParseAddrPort(conn.LocalAddr().String())
	for _, p := range s.proxies {
		if !p.Contains(from.Addr().Unmap()) {
			continue
		}
		if _, err := io.WriteString(conn, tlsedge.ProxyLocal); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		break
	}
	return conn, nil
}

// Run asks /readyz; a container's health check calls it.
func (h healthCmd) Run(t *terminal) error {
	s, err := h.server(t)
	if err != nil {
		return exit(exitUsage, err)
	}
	ctx, cancel := context.WithTimeout(t.ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/readyz", nil)
	if err != nil {
		return exit(exitUsage, fmt.Errorf("reading the address: %w", err))
	}
	res, err := s.client().Do(r)
	if err != nil {
		return s.silent(err)
	}
	_ = res.Body.Close()
	ready := res.StatusCode == http.StatusOK
	if t.global.JSON {
		if err := t.printJSON(map[string]any{"schema": "gatehouse.health/1", "ready": ready, "status": res.StatusCode}); err != nil {
			return err
		}
	} else if ready && !t.global.Quiet {
		fmt.Fprintln(t.out, "ready")
	}
	if !ready {
		return exit(exitFound, fmt.Errorf("%s is not ready: status %d", s.place(), res.StatusCode))
	}
	return nil
}

// place is where the server was asked.
func (s asked) place() string {
	if s.listener == "" || strings.HasSuffix(s.url, "://"+s.listener) {
		return s.url
	}
	return s.url + " at " + s.listener
}

// silent tells why there was no answer: whoever spoke, but not TLS as it must
// be, is running.
func (s asked) silent(err error) error {
	var alert tls.AlertError
	var record tls.RecordHeaderError
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return exit(exitFound, fmt.Errorf("%s has a certificate that is not accepted: %w\n"+
			"Its certificate must be valid today and for the name it is asked by: that of public_url, or the address given", s.place(), err))
	}
	if errors.As(err, &alert) || errors.As(err, &record) {
		return exit(exitFound, fmt.Errorf("%s answers, and not as a server with TLS does: %w", s.place(), err))
	}
	return exit(exitUnreachable, fmt.Errorf("%s does not answer: %w\nIs it running? Start it with: gatehouse serve", s.place(), err))
}
