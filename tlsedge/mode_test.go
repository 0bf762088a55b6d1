package tlsedge_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/gatetest"
	"github.com/gatehouse-api/gatehouse/tlsedge"
)

func TestModes(t *testing.T) {
	layer, err := tlsedge.New(tlsedge.Config{Redirect: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, method, target string
		enforce              int
		allow                string
	}{
		{"in the clear", "POST", "http://localhost/orders", 403, "gatehouse.yaml: accept_risk: [plain-http]"},
		{"reading in the clear", "GET", "http://localhost/orders", 308, "gatehouse.yaml: accept_risk: [plain-http]"},
		{"a strange host", "GET", "https://evil.example/orders", 421, "gatehouse.yaml: hosts: [the name]"},
	} {
		for mode, allow := range map[call.Mode]string{call.Enforce: "", call.Report: tt.allow, call.Off: ""} {
			r := httptest.NewRequest(tt.method, tt.target, nil)
			r.RemoteAddr = "192.0.2.1:40000"
			got := gatetest.Alone(t, layer, gatetest.Setting{Layer: "tls", Mode: mode})(r)
			want := http.StatusOK
			if mode == call.Enforce {
				want = tt.enforce
			}
			if got.Status != want || got.Reached() != (mode != call.Enforce) || got.Allow() != allow {
				t.Errorf("%s, %v: %d, %q", tt.name, mode, got.Status, got.Allow())
			}
			if got.Reached() && got.Call.Secure() != (r.TLS != nil) {
				t.Errorf("%s, %v: encrypted: %v", tt.name, mode, got.Call.Secure())
			}
		}
	}
}
