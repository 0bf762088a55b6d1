package observe_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/gatehouse-api/gatehouse/observe"
)

// The layer alone, on a plain ServeMux, with slog's text handler.
func Example() {
	short := func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case "method", "status", "verdict", "code", "cause":
			return a
		}
		return slog.Attr{}
	}
	wrap, err := observe.New(observe.Config{
		Log: slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: short}),
		Now: func() time.Time { return time.Date(2026, 2, 23, 10, 0, 0, 0, time.UTC) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	mux.HandleFunc("GET /broken", func(http.ResponseWriter, *http.Request) { panic("a bug") })
	for _, path := range []string{"/hello", "/broken"} {
		wrap(mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	// Output:
	// method=GET status=200 verdict=served
	// method=GET status=500 verdict=panic code=INTERNAL_ERROR cause="panic: a bug"
}
