package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-api/gatehouse/internal/store"
)

// TestBrowserClientOfTheOriginal drives a client of the original API in a real
// Chromium, from one of the origins that its development server uses.
func TestBrowserClientOfTheOriginal(t *testing.T) {
	p := demo(t, "--seed", "test", "--pace", "300ms")
	page := serveClient(t) + "/client.html?api=" + p.url
	first := newTab(t, browser(t))
	second := newTab(t, first)
	do := func(tab context.Context, action chromedp.Action[chromedp.Void]) {
		t.Helper()
		ctx, cancel := context.WithTimeout(tab, 20*time.Second)
		defer cancel()
		if _, err := chromedp.Run(ctx, action); err != nil {
			t.Fatal(err)
		}
	}
	script := func(tab context.Context, js string) {
		t.Helper()
		do(tab, chromedp.Evaluate[chromedp.Void](js))
	}
	text := func(tab context.Context, selector, want string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(tab, 30*time.Second)
		defer cancel()
		got := ""
		for range 1000 {
			var err error
			got, err = chromedp.Run(ctx, chromedp.Evaluate[string](`(document.querySelector("`+selector+`") || {textContent: ""}).textContent.trim()`))
			if err != nil {
				t.Fatal(err)
			}
			if got == want {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("%s shows %q, want %q", selector, got, want)
	}

	do(first, chromedp.Navigate(page))
	text(first, "#state", "ready")
	script(first, `reset()`)
	text(first, "#state", "ready")
	text(first, "#days li", "Monday: 1 free")
	do(second, chromedp.Navigate(page))
	text(second, "#state", "ready")

	script(first, `void book(2, "Lydia Miller-Jones", 1)`)
	text(first, "#state", "saved")
	text(first, "#slot2", "1pm Lydia Miller-Jones with Sylvia Palmer")
	text(second, "#slot2", "1pm Lydia Miller-Jones with Sylvia Palmer")

	script(first, `void book(2, "Lydia Miller-Jones", 2)`)
	text(second, "#slot2", "1pm Lydia Miller-Jones with Tori Malcolm")

	script(first, `void cancel(1)`)
	text(first, "#state", "deleted")
	text(second, "#slot1", "12pm free")
	script(second, `show("Tuesday")`)
	text(second, "#slot3", "12pm free")

	script(first, `void book(2, "   ", 2)`)
	text(first, "#state", "Could not save appointment.")
	said, err := chromedp.Run(first, chromedp.Evaluate[[]string](`said`))
	want := []string{"ready", "resetting", "ready", "Saving", "saved", "Saving", "saved", "Deleting", "deleted", "Saving", "Could not save appointment."}
	if err != nil || !slices.Equal(said, want) {
		t.Errorf("the client said %q (%v), want %q", said, err, want)
	}
}

// TestSetupPage makes the first admin as a person does: with the link, in a
// browser, under the policy for pages.
func TestSetupPage(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, settingsOn(t, store.SQLite, dir, ""))
	tab := newTab(t, browser(t))
	ctx, cancel := context.WithTimeout(tab, 60*time.Second)
	defer cancel()
	step := func(action chromedp.Action[chromedp.Void]) {
		t.Helper()
		if _, err := chromedp.Run(ctx, action); err != nil {
			t.Fatal(err)
		}
	}
	step(chromedp.Navigate(p.url + "/setup#" + setupToken(t, p)))
	step(chromedp.SendKeys(`input[name="email"]`, "root@example.org"))
	step(chromedp.SendKeys(`input[name="username"]`, "root"))
	step(chromedp.SendKeys(`input[name="password"]`, password))
	if at, err := chromedp.Run(ctx, chromedp.Location()); err != nil || strings.Contains(at, "#") {
		t.Errorf("the token is still in the address bar: %s %v", at, err)
	}
	says := func(why, script string) {
		t.Helper()
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script)); err != nil || !ok {
			t.Errorf("%s (%v)", why, err)
		}
	}
	const field = `document.querySelector('[name="password"]')`
	says("the token stands in the page", `getComputedStyle(document.getElementById("token-field")).display === "none"`)
	says("the password is shown", field+`.type === "password"`)
	step(chromedp.Click("#show"))
	says("the password cannot be looked at", field+`.type === "text" && `+field+`.value !== ""`)
	step(chromedp.Click("#show"))
	says("the password stays shown", field+`.type === "password"`)
	says("pasting is prevented", `["paste", "drop", "beforeinput"].every(
		(name) => `+field+`.dispatchEvent(new Event(name, { bubbles: true, cancelable: true })))`)
	step(chromedp.Click("button"))
	step(chromedp.WaitVisible(`[role="status"]`))
	p.logins["admin"] = []login{{"admin", "root@example.org", password}}
	if a := p.do(request{path: "/profile", token: p.token("admin", 0)}); !strings.Contains(a.body, `"role":"admin"`) {
		t.Errorf("the first admin: %d %s", a.status, a.body)
	}
}

// serveClient serves testdata on one of the development origins that the demo
// allows.
func serveClient(t *testing.T) string {
	t.Helper()
	for _, port := range []int{8000, 3000, 5173} {
		l, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port))
		if err != nil {
			continue
		}
		s := httptest.NewUnstartedServer(http.FileServer(http.Dir("testdata")))
		_ = s.Listener.Close()
		s.Listener = l
		s.Start()
		t.Cleanup(s.Close)
		return fmt.Sprintf("http://localhost:%d", port)
	}
	t.Fatal("ports 8000, 3000 and 5173 are all taken: the demo allows pages of these origins only")
	return ""
}

// browser starts a Chromium of its own and returns its context.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("no Chromium: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-quic", true), chromedp.WSURLReadTimeout(60*time.Second))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses its sandbox to root
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	return ctx
}

func newTab(t *testing.T, parent context.Context) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	if _, err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return ctx
}
