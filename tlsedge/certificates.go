package tlsedge

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// KeyPair names the PEM files of one certificate chain and its private key.
type KeyPair struct {
	CertFile string // the certificate, then its intermediates
	KeyFile  string
}

// recheck is how long a look at the files holds.
const recheck = time.Second

// certificates are the pairs of a server, read again when their files change.
type certificates struct {
	now  func() time.Time
	log  *slog.Logger
	told func(error) // what became of each attempt to read again; nil is nobody

	mu      sync.Mutex
	pairs   []*loadedPair
	checked time.Time
}

type loadedPair struct {
	files KeyPair
	stamp [2]stamp
	cert  *tls.Certificate
	fault string // of the last attempt to read it again, so that it is told once
}

// stamp changes when a file does.
type stamp struct {
	modified time.Time
	size     int64
}

func openCertificates(files []KeyPair, now func() time.Time, log *slog.Logger) (*certificates, error) {
	c := &certificates{now: now, log: log, checked: now()}
	for _, f := range files {
		p := &loadedPair{files: f}
		if err := p.load(now()); err != nil {
			return nil, fmt.Errorf("tlsedge: %w", err)
		}
		c.pairs = append(c.pairs, p)
	}
	return c, nil
}

// get chooses the first certificate that the client can use for the name it
// asks for, else the first of all, so that a client without a name gets one too.
func (c *certificates) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= recheck {
		c.checked = now
		c.reload(now)
	}
	for _, p := range c.pairs {
		if hello.SupportsCertificate(p.cert) == nil {
			return p.cert, nil
		}
	}
	return c.pairs[0].cert, nil
}

// reload reads what changed. A pair that cannot be read stays as it was: half
// of a renewal may be on the disk, and the old certificate still serves.
func (c *certificates) reload(now time.Time) {
	var faults []error
	tried := false
	for _, p := range c.pairs {
		if current, _ := p.files.stamps(); current == p.stamp && p.fault == "" { // a missing file has another stamp than any
			continue
		}
		tried = true
		fault := ""
		if err := p.load(now); err != nil {
			fault = err.Error()
			faults = append(faults, err)
		}
		if fault != p.fault && fault != "" {
			c.log.Error("certificate not reloaded; the last good one stays in use", "cause", fault)
		}
		p.fault = fault
	}
	if tried && c.told != nil {
		c.told(errors.Join(faults...))
	}
}

// load reads both files and keeps the pair when it is one, and valid at now.
func (p *loadedPair) load(now time.Time) error {
	before, err := p.files.stamps()
	if err != nil {
		return err
	}
	cert, err := tls.LoadX509KeyPair(p.files.CertFile, p.files.KeyFile)
	if err != nil {
		return fmt.Errorf("reading certificate %s with key %s: %w", p.files.CertFile, p.files.KeyFile, err)
	}
	if err := valid(cert.Leaf, now); err != nil {
		return fmt.Errorf("certificate %s: %w", p.files.CertFile, err)
	}
	p.cert, p.stamp = &cert, before
	return nil
}

func valid(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("it ended on %s", leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("it begins only on %s", leaf.NotBefore.UTC().Format(time.RFC3339))
	default:
		return nil
	}
}

func (k KeyPair) stamps() ([2]stamp, error) {
	var s [2]stamp
	for i, name := range []string{k.CertFile, k.KeyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return s, fmt.Errorf("opening certificate file: %w", err)
		}
		s[i] = stamp{info.ModTime(), info.Size()}
	}
	return s, nil
}
