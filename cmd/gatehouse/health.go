package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

type healthCmd struct {
	URL string `arg:"" optional:"" help:"Base address of the server; ${default} when not given." default:"http://localhost:8001"`
}

// address is the base address; a host and port alone mean plain HTTP.
func (h healthCmd) address() (string, error) {
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

// Run asks /readyz; a container's health check calls it.
func (h healthCmd) Run(t *terminal) error {
	address, err := h.address()
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
