package authn

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	for _, alg := range []string{"HS256", "EdDSA", "ES256", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			j := newJWT(b, func(cfg *JWTConfig) { cfg.Cache = -1 })
			parse(b, j, newIssuer().good(b, alg))
		})
	}
	b.Run("recognised", func(b *testing.B) {
		parse(b, newJWT(b, nil), newIssuer().good(b, "EdDSA"))
	})
}

func parse(b *testing.B, j *JWT, token string) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := j.Parse(token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLayer is the layer with a recognised token, and with none on a public
// operation; what remains above it is the recorder and the call.
func BenchmarkLayer(b *testing.B) {
	for name, r := range map[string]*http.Request{
		"bearer": request("GET", "/mine", "Authorization", "Bearer live"),
		"cookie": request("GET", "/mine", "Cookie", cookie+"live"),
		"guest":  request("GET", "/open"),
	} {
		b.Run(name, func(b *testing.B) {
			h := handler(b, nil)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
