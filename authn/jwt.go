package authn

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

const maxLeeway = 5 * time.Minute

// JWTConfig says which tokens a JWT accepts.
type JWTConfig struct {
	// Keys returns the key with an id, as the token's kid names it ("" when the
	// token has none). Its error wraps ErrInvalid for an id that nobody knows;
	// any other error means that the keys cannot be read now. It is asked for
	// each token, so that a key taken out of use stops at once. See FixedKeys.
	Keys func(kid string) (Key, error)

	Issuer   string           // iss must equal it; required
	Audience string           // aud must name it; required
	Type     string           // typ must be it (RFC 8725 §3.11); "at+jwt" when empty (RFC 9068 §2.1)
	Leeway   time.Duration    // by how much clocks may differ; 5 minutes at most
	Now      func() time.Time // the clock; time.Now when nil
	Cache    int              // how many verified tokens are remembered; 4096 when 0, none when negative

	// Private decodes the claims that are your own, once per verified token; its
	// result is in Claims.Private and is shared by all calls with that token.
	Private func(Claims) (any, error)

	// Principal tells who the token stands for, and asks on every call whether it
	// was revoked. When nil, the principal is the subject, without a role and
	// limited to the scopes of the claim "scope" (RFC 9068 §2.2.3): it passes only
	// operations that name scopes.
	Principal func(ctx context.Context, c Claims) (*call.Principal, error)
}

// JWT verifies JSON Web Tokens in compact form. It is safe for concurrent use,
// and a Verifier.
type JWT struct {
	cfg   JWTConfig
	cache *cache
}

// NewJWT returns a verifier, or says what is wrong with cfg.
func NewJWT(cfg JWTConfig) (*JWT, error) {
	switch {
	case cfg.Keys == nil:
		return nil, errors.New("authn: JWTConfig.Keys is missing")
	case cfg.Issuer == "":
		return nil, errors.New("authn: JWTConfig.Issuer is missing")
	case cfg.Audience == "":
		return nil, errors.New("authn: JWTConfig.Audience is missing")
	case cfg.Leeway < 0 || cfg.Leeway > maxLeeway:
		return nil, fmt.Errorf("authn: JWTConfig.Leeway is not between 0 and %s", maxLeeway)
	}
	if cfg.Type == "" {
		cfg.Type = "at+jwt"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Cache == 0 {
		cfg.Cache = 4096
	}
	if cfg.Principal == nil {
		cfg.Principal = subject
	}
	return &JWT{cfg: cfg, cache: newCache(cfg.Cache)}, nil
}

// Verify implements Verifier.
func (j *JWT) Verify(ctx context.Context, token string) (*call.Principal, error) {
	c, err := j.Parse(token)
	if err != nil {
		return nil, err
	}
	return j.cfg.Principal(ctx, c)
}

// Parse verifies a token and returns its claims. Errors wrap ErrInvalid, or
// ErrExpired for a token that is right but for its time; any other error comes
// from Keys. They never quote the token. A token that was verified before is
// recognised, as long as its key is still the one in use and its time lasts.
func (j *JWT) Parse(token string) (Claims, error) {
	id := fingerprint(token)
	if known, ok := j.cache.get(id); ok {
		k, err := j.cfg.Keys(known.claims.KeyID)
		if err != nil {
			return Claims{}, fmt.Errorf("finding the token's key: %w", err)
		}
		if k == known.key {
			return known.claims, j.inTime(known.claims)
		}
	}
	return j.verify(token, id)
}

func (j *JWT) verify(token string, id [sha256.Size]byte) (Claims, error) {
	s, err := split(token)
	if err != nil {
		return Claims{}, err
	}
	h, err := readHeader(s.header)
	if err != nil {
		return Claims{}, err
	}
	if !sameType(h.typ, j.cfg.Type) {
		return Claims{}, fmt.Errorf("%w: its typ is not %s", ErrInvalid, j.cfg.Type)
	}
	k, err := j.cfg.Keys(h.kid)
	if err != nil {
		return Claims{}, fmt.Errorf("finding the token's key: %w", err)
	}
	signature, err := unbase64(s.signature)
	if err != nil {
		return Claims{}, err
	}
	if err := k.check(h.alg, s.input, signature); err != nil {
		return Claims{}, err
	}
	c, err := j.claims(s.payload, h.kid)
	if err != nil {
		return Claims{}, err
	}
	j.cache.put(id, verified{claims: c, key: k})
	return c, nil
}

// claims reads and judges the payload of a token whose signature holds.
func (j *JWT) claims(payload, kid string) (Claims, error) {
	c, err := readClaims(payload, kid)
	if err != nil {
		return Claims{}, err
	}
	if c.Issuer != j.cfg.Issuer {
		return Claims{}, fmt.Errorf("%w: another issuer's", ErrInvalid)
	}
	if !slices.Contains(c.Audience, j.cfg.Audience) {
		return Claims{}, fmt.Errorf("%w: for another audience", ErrInvalid)
	}
	if err := j.inTime(c); err != nil {
		return Claims{}, err
	}
	if j.cfg.Private == nil {
		return c, nil
	}
	if c.Private, err = j.cfg.Private(c); err != nil {
		return Claims{}, fmt.Errorf("%w: reading its private claims: %w", ErrInvalid, err)
	}
	return c, nil
}

// inTime judges the three times. A token ends at exp, not after it (RFC 7519
// §4.1.4).
func (j *JWT) inTime(c Claims) error {
	now := j.cfg.Now()
	if now.Add(j.cfg.Leeway).Before(c.NotBefore) {
		return fmt.Errorf("%w: not yet, by its nbf", ErrInvalid)
	}
	if now.Add(j.cfg.Leeway).Before(c.IssuedAt) {
		return fmt.Errorf("%w: its iat is to come", ErrInvalid)
	}
	if !now.Before(c.Expires.Add(j.cfg.Leeway)) {
		return ErrExpired
	}
	return nil
}

// sameType compares media types: letter case and a leading "application/" do
// not count (RFC 7515 §4.1.9).
func sameType(got, want string) bool {
	const prefix = "application/"
	if len(got) > len(prefix) && strings.EqualFold(got[:len(prefix)], prefix) {
		got = got[len(prefix):]
	}
	return strings.EqualFold(got, want)
}

// subject is the principal of a token about which nothing else is known.
func subject(_ context.Context, c Claims) (*call.Principal, error) {
	if c.Subject == "" {
		return nil, fmt.Errorf("%w: it has no sub", ErrInvalid)
	}
	var own struct {
		Scope string `json:"scope"`
	}
	if err := strictjson.Unmarshal(c.payload, &own); err != nil {
		return nil, fmt.Errorf("%w: its scope is %w", ErrInvalid, err)
	}
	scopes := append([]string{}, strings.Fields(own.Scope)...) // never nil, which would be every scope
	return &call.Principal{ID: c.Subject, Scopes: scopes, Session: c.ID, Method: "bearer", Expires: c.Expires}, nil
}
