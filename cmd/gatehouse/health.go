package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/config"
)

type healthCmd struct {
	URL string `arg:"" optional:"" help:"Base address of the server; that of the settings when not given."`
}

// address is the base address; a host and port alone mean plain HTTP. Without
// one it is where the settings listen, on this machine.
func (h healthCmd) address(t *terminal) (string, error) {
	if h.URL == "" {
		cfg, report := config.Load(config.Input{Environ: t.env, Dir: ".", ConfigPath: t.global.Config})
		if err := report.Err(); err != nil {
			return "", fmt.Errorf("the settings do not say where the server listens: %w", err)
		}
		h.URL = ownAddress(cfg)
	}
	address := strings.TrimRight(h.URL, "/")
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%q is no address of a server; write it as http://localhost:8001", h.URL)
	}
	return address, nil
}

// ownAddress is how this machine reaches the listener of the settings.
func ownAddress(cfg *config.Config) string {
	scheme := "http://"
	if cfg.TLS.CertFile != "" {
		scheme = "https://"
	}
	host, port, _ := net.SplitHostPort(cfg.Listen) // checked with the settings
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		host = "localhost"
	}
	return scheme + net.JoinHostPort(host, port)
}

// Run asks /readyz; a container's health check calls it.
func (h healthCmd) Run(t *terminal) error {
	address, err := h.address(t)
	if err != nil {
		return exit(exitUsage, err)
	}
	ctx, cancel := context.WithTimeout(t.ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/readyz", nil)
	if err != nil {
		return exit(exitUsage, fmt.Errorf("reading the address: %w", err))
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil}}
	res, err := client.Do(r)
	if err != nil {
		return exit(exitUnreachable, fmt.Errorf("%s does not answer: %w\nIs it running? Start it with: gatehouse serve", address, err))
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
		return exit(exitFound, fmt.Errorf("%s is not ready: status %d", address, res.StatusCode))
	}
	return nil
}
