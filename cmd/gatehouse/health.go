package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

type healthCmd struct {
	URL string `arg:"" optional:"" help:"Base address of the server." default:"http://localhost:8001"`
}

// Run asks /readyz; a container's health check calls it.
func (h healthCmd) Run(t *terminal) error {
	ctx, cancel := context.WithTimeout(t.ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+"/readyz", nil)
	if err != nil {
		return exit(exitUsage, fmt.Errorf("reading the address: %w", err))
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil}}
	res, err := client.Do(r)
	if err != nil {
		return exit(exitUnreachable, fmt.Errorf("%s does not answer: %w\nIs it running? Start it with: gatehouse serve", h.URL, err))
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
		return exit(exitFound, fmt.Errorf("%s is not ready: status %d", h.URL, res.StatusCode))
	}
	return nil
}
