package members

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/problem"
)

// Config of the app. The zero value trusts no page but those of the host itself,
// and sets up from this machine alone.
type Config struct {
	// CheckOrigin refuses a login with a cookie that another site made a browser
	// send; secure tells whether the request arrived encrypted. When nil, only
	// pages of the host itself may.
	CheckOrigin func(r *http.Request, secure bool) *problem.Error

	InsecureRemoteSetup bool // take the setup token from other machines as well
}

// App presents an identity service.
type App struct {
	identity *identity.Service
	cfg      Config
}

// New returns the app.
func New(s *identity.Service, cfg Config) *App {
	if cfg.CheckOrigin == nil {
		cfg.CheckOrigin = sameHost
	}
	return &App{identity: s, cfg: cfg}
}

// Handlers are the operations by operationId.
func (a *App) Handlers() map[string]http.Handler {
	return map[string]http.Handler{
		"login":          call.Handler(a.login),
		"refresh":        call.Handler(a.refresh),
		"logout":         call.Handler(a.logout),
		"logoutAll":      call.Handler(a.logoutAll),
		"signUp":         call.Handler(a.signUp),
		"profile":        call.Handler(a.profile),
		"changePassword": call.Handler(a.changePassword),
		"jwks":           call.Handler(a.jwks),
		"setupPage":      call.Handler(a.setupPage),
		"setupScript":    call.Handler(a.setupScript),
		"setup":          call.Handler(a.setup),
	}
}

func (a *App) login(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	var in credentials
	if err := c.Bind(&in); err != nil {
		return err
	}
	if in.Cookie {
		if p := a.cfg.CheckOrigin(r, c.Secure()); p != nil {
			return p
		}
	}
	g, err := a.identity.Login(r.Context(), identity.Credentials(in), originOf(c))
	if err != nil {
		return refusal(err)
	}
	if err := a.endFormer(r, c); err != nil {
		return refusal(err)
	}
	if in.Cookie {
		http.SetCookie(w, cookie(g.Cookie, int(g.CookieExpires.Sub(c.Now())/time.Second)))
		return call.JSON(w, r, http.StatusOK, greeting{"Login successful!", shown(g.Member)})
	}
	dropCookie(w, r)
	return call.JSON(w, r, http.StatusOK, tokens{
		"Login successful!", g.AccessToken, g.RefreshToken, int(g.ExpiresIn / time.Second), shown(g.Member),
	})
}

// endFormer ends the session with which a login was sent, whosever it is: a
// browser, or a program, has one at a time (ASVS 5.0 7.2.4).
func (a *App) endFormer(r *http.Request, c *call.Call) error {
	if p := c.Principal(); p != nil {
		return a.identity.Logout(r.Context(), p, originOf(c))
	}
	return nil
}

func (a *App) refresh(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	var in struct {
		RefreshToken string `json:"refreshToken"`
	}
	if err := c.Bind(&in); err != nil {
		return err
	}
	g, err := a.identity.Refresh(r.Context(), in.RefreshToken, originOf(c))
	if err != nil {
		return refusal(err)
	}
	return call.JSON(w, r, http.StatusOK, pair{g.AccessToken, g.RefreshToken, int(g.ExpiresIn / time.Second)})
}

// asking is the member who asks. Layers that enforce let no guest through to
// what needs one; where they only report, the refusal is ours.
func asking(c *call.Call) (*call.Principal, error) {
	if p := c.Principal(); p != nil {
		return p, nil
	}
	return nil, problem.Unauthorized("UNAUTHORIZED", "Sign in, or send a bearer token", challenge)
}

func (a *App) logout(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	p, err := asking(c)
	if err != nil {
		return err
	}
	if err := a.identity.Logout(r.Context(), p, originOf(c)); err != nil {
		return refusal(err)
	}
	return signedOut(w, r)
}

func (a *App) logoutAll(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	p, err := asking(c)
	if err != nil {
		return err
	}
	if err := a.identity.LogoutAll(r.Context(), p, originOf(c)); err != nil {
		return refusal(err)
	}
	return signedOut(w, r)
}

// signedOut has a browser forget the cookie and whatever else it kept of this
// origin (Clear Site Data §3.1). "cookies" is not asked for: it would sign the
// member out of every host of the domain.
func signedOut(w http.ResponseWriter, r *http.Request) error {
	dropCookie(w, r)
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return call.NoContent(w, r)
}

// dropCookie takes the cookie away from a browser that has one.
func dropCookie(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(identity.CookieName); err == nil {
		http.SetCookie(w, cookie("", -1))
	}
}

func (a *App) signUp(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	var in signUp
	if err := c.Bind(&in); err != nil {
		return err
	}
	n := identity.NewMember{Username: in.Username, Email: in.Email, Password: in.Password}
	m, err := a.identity.SignUp(r.Context(), n, in.Invite, originOf(c))
	if err != nil {
		return refusal(err)
	}
	return call.JSON(w, r, http.StatusCreated, greeting{"Sign-up successful!", shown(m)})
}

func (a *App) profile(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	p, err := asking(c)
	if err != nil {
		return err
	}
	return call.JSON(w, r, http.StatusOK, profile{"Welcome!", p.IDOf(), p.Email, p.Username, p.RoleOf()})
}

func (a *App) changePassword(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	var in passwords
	p, err := asking(c)
	if err != nil {
		return err
	}
	if err := c.Bind(&in); err != nil {
		return err
	}
	err = a.identity.ChangePassword(r.Context(), p, in.Current, in.New, originOf(c))
	if errors.Is(err, identity.ErrCredentials) {
		// We know who asks, so this is no 401, at which a client would drop its token.
		return problem.New(http.StatusForbidden, "INVALID_CREDENTIALS", "Invalid credentials", "The current password is wrong").Because(err)
	}
	if err != nil {
		return refusal(err)
	}
	return call.NoContent(w, r)
}

func (a *App) jwks(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
	keys, err := a.identity.JWKS(r.Context())
	if err != nil {
		return refusal(err)
	}
	return call.Bytes(w, r, http.StatusOK, "application/jwk-set+json", keys)
}

func (a *App) setupPage(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	if p := a.here(c); p != nil {
		return p
	}
	needed, err := a.identity.NeedsSetup(r.Context())
	if err != nil {
		return refusal(err)
	}
	page := setupDone
	if needed {
		page = setupForm
	}
	return call.Bytes(w, r, http.StatusOK, "text/html; charset=utf-8", page)
}

func (a *App) setupScript(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
	return call.Bytes(w, r, http.StatusOK, "text/javascript; charset=utf-8", setupScript)
}

func (a *App) setup(w http.ResponseWriter, r *http.Request, c *call.Call) error {
	if p := a.here(c); p != nil {
		return p
	}
	in, isForm, err := readSetup(r, c)
	if err != nil {
		return err
	}
	n := identity.NewMember{Username: in.Username, Email: in.Email, Password: in.Password}
	m, err := a.identity.RedeemSetup(r.Context(), in.Token, n, originOf(c))
	if err != nil {
		return refusal(err)
	}
	if isForm {
		return call.Bytes(w, r, http.StatusCreated, "text/html; charset=utf-8", setupDone)
	}
	return call.JSON(w, r, http.StatusCreated, greeting{"Setup successful!", shown(m)})
}

// maxForm is the size of the setup form in bytes, as the contract states it.
const maxForm = 10_000

// errForm stands for the error of net/url, which quotes what was sent: a token.
var errForm = errors.New("the form is not percent-encoded as it should be")

// readSetup reads JSON, or the form that a browser without script sends.
func readSetup(r *http.Request, c *call.Call) (in setup, isForm bool, err error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return in, false, c.Bind(&in)
	}
	data, refused := c.Body(r, maxForm)
	if refused != nil {
		return in, true, refused
	}
	form, err := url.ParseQuery(string(data))
	if err != nil {
		return in, true, problem.Malformed("The form cannot be read").Because(errForm)
	}
	return setup{form.Get("token"), form.Get("username"), form.Get("email"), form.Get("password")}, true, nil
}

// here refuses setup from elsewhere. A request that a proxy passed on comes from
// this machine and is not made on it, so one that says so is refused too.
func (a *App) here(c *call.Call) *problem.Error {
	if a.cfg.InsecureRemoteSetup || c.Local() {
		return nil
	}
	return problem.NotFound("Setup is done on the machine itself; use the command line, or a tunnel to it").
		From("", "setup from this machine alone")
}

func cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: identity.CookieName, Value: value, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func originOf(c *call.Call) identity.Origin {
	return identity.Origin{Address: c.Client(), RequestID: c.ID()}
}

// sameHost is CheckOrigin when none is given.
func sameHost(r *http.Request, _ bool) *problem.Error {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return problem.New(http.StatusForbidden, "CROSS_SITE", "Forbidden",
			"This request comes from another site; send it from our own pages").Because(err)
	}
	return nil
}

const challenge = `Bearer realm="gatehouse"`

// refusal is what a client is told about an error of identity.
func refusal(err error) error {
	if faults, ok := errors.AsType[identity.Faults](err); ok {
		fields := make([]problem.Field, len(faults))
		for i, f := range faults {
			fields[i] = problem.Field{Field: f.Field, Pointer: "/" + f.Field, Code: f.Code, Message: f.Message}
		}
		return problem.Invalid(fields...)
	}
	switch {
	case errors.Is(err, identity.ErrCredentials):
		e := problem.Unauthorized("INVALID_CREDENTIALS", "The e-mail address or the password is wrong", challenge)
		e.Title = "Invalid credentials"
		return e
	case errors.Is(err, identity.ErrRefresh):
		e := problem.Unauthorized("INVALID_REFRESH_TOKEN", "Sign in again", challenge)
		e.Title = "Invalid or expired token!"
		return e
	case errors.Is(err, identity.ErrTaken):
		return problem.Conflict("MEMBER_EXISTS", "That e-mail address or username is taken")
	case errors.Is(err, identity.ErrSignUpClosed):
		return problem.New(http.StatusForbidden, "SIGN_UP_CLOSED", "Forbidden", "Nobody can sign up here; ask an admin for an account")
	case errors.Is(err, identity.ErrInvite):
		return problem.New(http.StatusForbidden, "INVITATION_NEEDED", "Forbidden",
			"Sign up with an invitation for this e-mail address that was not used and has not expired")
	case errors.Is(err, identity.ErrSetupToken):
		return problem.New(http.StatusForbidden, "SETUP_TOKEN_INVALID", "Forbidden",
			"The setup link was used or has expired; start the server again for a new one, or run: gatehouse member add --role admin")
	case errors.Is(err, identity.ErrSetupDone):
		return problem.Conflict("SETUP_DONE", "There is an admin already; sign in")
	case errors.Is(err, identity.ErrBusy), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return problem.Unavailable(time.Second, err)
	}
	return store.Problem(err)
}
