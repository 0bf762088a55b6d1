package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

// CookieName is the name of the session cookie. The prefix makes browsers refuse
// it unless it is Secure, for the whole host and without a Domain (RFC 6265bis
// §4.1.3.2).
const CookieName = "__Host-gatehouse"

// Config of the service. Store, Key, Issuer and Audience are required.
type Config struct {
	Store    *store.Store // where everything is kept
	Key      []byte       // seals signing keys and derives tokens; 32 random bytes at least, from environment or file
	Issuer   string       // iss of access tokens: the public URL
	Audience string       // aud of access tokens

	Algorithm    string     // "EdDSA" when empty, "ES256", or "HS256" with SharedSecret
	SharedSecret []byte     // HS256: 32 bytes at least
	SignUp       SignUpMode // SignUpInvite when empty

	AccessTTL   time.Duration // life of an access token; 15 minutes when 0, a day at most
	RefreshTTL  time.Duration // life of a refresh token; 7 days when 0
	FamilyTTL   time.Duration // after which a family of refresh tokens ends whatever it does; 30 days when 0
	Grace       time.Duration // in which a repeated refresh gets the same answer; 30 seconds when 0
	RotateEvery time.Duration // how long a key signs; 30 days when 0
	IdleTTL     time.Duration // a cookie unused for so long ends; 1 hour when 0 (NIST SP 800-63B-4 §2.2.3)
	SessionTTL  time.Duration // a cookie ends after so long; 24 hours when 0 (there as well)
	InviteTTL   time.Duration // 24 hours when 0

	Passwords PasswordConfig // what a hash costs

	PasswordWords    []string        // names of the organisation and the like: no password is made of them alone
	RefusedPasswords map[string]bool // in small letters, see ReadPasswords; nil for none beside those that are built in

	CacheSize int // sessions remembered between calls; 4096 when 0, none when negative

	OnRevoke func(Revocation) // called after sessions were ended, so that sockets close; must not block

	Log    *slog.Logger                                     // attacks, and what went wrong beside a request; nil discards
	Now    func() time.Time                                 // time.Now when nil
	Random io.Reader                                        // crypto/rand when nil
	Sleep  func(ctx context.Context, d time.Duration) error // waits or gives up with ctx; a timer when nil
}

// Origin is where a request comes from.
type Origin struct {
	Address   netip.Addr // of the client; kept as a keyed hash only
	RequestID string
}

// Revocation says which sessions have ended.
type Revocation struct {
	MemberID string
	Session  string // "" is every session of the member
	Keep     string // with Session "": the one that goes on; "" for none
}

// Ends tells whether the revocation ends what p is.
func (r Revocation) Ends(p *call.Principal) bool {
	if p == nil || p.ID != r.MemberID {
		return false
	}
	if r.Session != "" {
		return p.Session == r.Session
	}
	return r.Keep == "" || p.Session != r.Keep
}

// Errors that callers branch on. Faults is one more.
var (
	ErrCredentials  = errors.New("the e-mail address or the password is wrong")
	ErrRefresh      = errors.New("the refresh token is not valid")
	ErrTaken        = errors.New("the e-mail address or the username is taken")
	ErrSignUpClosed = errors.New("sign-up is off")
	ErrInvite       = errors.New("the invitation is not valid, was used, or has expired")
	ErrSetupToken   = errors.New("the setup link is not valid, was used, or has expired")
	ErrSetupDone    = errors.New("there is an admin already")
	ErrLastAdmin    = errors.New("there must be one active admin at least")
	ErrNoMember     = errors.New("there is no such member")
	ErrSealed       = errors.New("sealed with another key, or changed since")
)

// Service knows the members. It is safe for concurrent use.
type Service struct {
	cfg     Config
	store   *store.Store
	secrets *secrets
	hasher  *hasher
	rules   passwordRules
	attacks *attacks
	cache   *sessionCache
	keys    *keyStore
	jwt     *authn.JWT
}

// New returns the service, or says what is wrong with cfg. It reads nothing:
// Prepare does.
func New(cfg Config) (*Service, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	sec, err := newSecrets(cfg.Key, cfg.Random)
	if err != nil {
		return nil, err
	}
	cfg.Passwords.Random = cfg.Random
	h, err := newHasher(cfg.Passwords)
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg: cfg, store: cfg.Store, secrets: sec, hasher: h, rules: newPasswordRules(cfg),
		attacks: newAttacks(cfg.Now), cache: newSessionCache(cfg.CacheSize),
	}
	if s.keys, err = newKeyStore(cfg, sec); err != nil {
		return nil, err
	}
	s.jwt, err = authn.NewJWT(authn.JWTConfig{
		Keys: s.keys.find, Issuer: cfg.Issuer, Audience: cfg.Audience, Type: tokenType,
		Now: cfg.Now, Private: privateClaims, Principal: s.bearerPrincipal,
	})
	return s, err
}

// Prepare reads or makes the signing key, and learns whether imported hashes are
// about. serve calls it before it accepts; it fails when Key is not the one with
// which the keys were sealed.
func (s *Service) Prepare(ctx context.Context) error {
	if err := s.learnBcrypt(ctx); err != nil {
		return err
	}
	_, err := s.keys.signer(ctx)
	return err
}

func (s *Service) learnBcrypt(ctx context.Context) error {
	return s.store.Read(ctx, guest(), func(tx *store.Tx) error {
		cost, err := bcryptDoor(ctx, tx)
		if err == nil {
			s.hasher.cost.Store(min(cost, maxBcryptCost))
		}
		return err
	})
}

// Operator is the actor of the command line.
func Operator() store.Actor { return store.Actor{ID: "operator", Role: store.SystemRole} }

func guest() store.Actor { return store.Actor{Role: call.Guest} }

func (cfg Config) withDefaults() Config {
	if cfg.Algorithm == "" {
		cfg.Algorithm = edDSA
	}
	if cfg.SignUp == "" {
		cfg.SignUp = SignUpInvite
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&cfg.AccessTTL, 15 * time.Minute}, {&cfg.RefreshTTL, 7 * 24 * time.Hour}, {&cfg.FamilyTTL, 30 * 24 * time.Hour},
		{&cfg.Grace, 30 * time.Second}, {&cfg.RotateEvery, 30 * 24 * time.Hour}, {&cfg.IdleTTL, time.Hour},
		{&cfg.SessionTTL, 24 * time.Hour}, {&cfg.InviteTTL, 24 * time.Hour},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if cfg.CacheSize == 0 {
		cfg.CacheSize = 4096
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	return cfg
}

func (cfg Config) check() error {
	var errs []error
	say := func(bad bool, text string) {
		if bad {
			errs = append(errs, errors.New("identity: "+text))
		}
	}
	say(cfg.Store == nil, "Store is missing")
	say(cfg.Issuer == "", "Issuer is missing")
	say(cfg.Audience == "", "Audience is missing")
	say(cfg.Algorithm != edDSA && cfg.Algorithm != es256 && cfg.Algorithm != hs256, "Algorithm is not one of EdDSA, ES256, HS256")
	say(cfg.Algorithm == hs256 && len(cfg.SharedSecret) == 0, "HS256 needs SharedSecret")
	say(cfg.Algorithm != hs256 && len(cfg.SharedSecret) > 0, "SharedSecret is for HS256 alone")
	say(cfg.SignUp != SignUpInvite && cfg.SignUp != SignUpOpen && cfg.SignUp != SignUpOff, "SignUp is not one of invite, open, off")
	say(cfg.AccessTTL < time.Second || cfg.AccessTTL > 24*time.Hour, "AccessTTL is not between a second and a day")
	say(cfg.RefreshTTL < cfg.AccessTTL, "RefreshTTL is shorter than AccessTTL")
	say(cfg.FamilyTTL < cfg.RefreshTTL, "FamilyTTL is shorter than RefreshTTL")
	say(cfg.Grace < 0 || cfg.Grace > 5*time.Minute, "Grace is not between 0 and 5 minutes")
	say(cfg.RotateEvery < time.Hour, "RotateEvery is shorter than an hour")
	say(cfg.IdleTTL < time.Minute || cfg.SessionTTL < cfg.IdleTTL, "IdleTTL is shorter than a minute or longer than SessionTTL")
	say(cfg.InviteTTL < time.Minute, "InviteTTL is shorter than a minute")
	return errors.Join(errs...)
}

// newID returns a UUIDv7, whose order is that of time.
func (s *Service) newID() (string, error) {
	id, err := uuid.NewV7FromReader(s.cfg.Random)
	if err != nil {
		return "", fmt.Errorf("making an id: %w", err)
	}
	return id.String(), nil
}

// now is the time in microseconds, as the tables keep it.
func (s *Service) now() int64 { return s.cfg.Now().UnixMicro() }

func (s *Service) revoked(r Revocation) {
	s.cache.forget(r.MemberID)
	if s.cfg.OnRevoke != nil {
		s.cfg.OnRevoke(r)
	}
}

// decidedTimeout bounds what follows a verdict: the wait for a connection to the
// database and the write.
const decidedTimeout = 30 * time.Second

// decided is the context of what follows a verdict. It does not end when the
// caller leaves: who guesses would leave right after the guess, and be neither
// counted nor recorded.
func decided(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), decidedTimeout)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
