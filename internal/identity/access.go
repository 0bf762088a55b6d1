package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// tokenType is the typ of access tokens (RFC 9068 §2.1). Nothing else that is
// signed here has it, so nothing else passes for one.
const tokenType = "at+jwt"

// signer signs access tokens.
type signer struct {
	id        string
	algorithm string
	until     time.Time // zero for a shared secret, which is not rotated here
	sign      func(input []byte) ([]byte, error)
}

// claims are those of an access token (RFC 9068 §2.2, RFC 7519 §4.1).
type claims struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	Client    string `json:"client_id"` // all clients sign in with POST /login and are one
	Expires   int64  `json:"exp"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	ID        string `json:"jti"`
	Session   string `json:"sid"`
	Role      string `json:"role"` // for others who read the token; we ask the database
}

// accessToken makes the access token that goes out with a refresh token. The
// same arguments give the same token as long as the same key signs.
func (s *Service) accessToken(ctx context.Context, m Member, session, refresh string, issued time.Time) (string, error) {
	key, err := s.keys.signer(ctx)
	if err != nil {
		return "", err
	}
	return key.token(claims{
		Issuer: s.cfg.Issuer, Subject: m.ID, Audience: s.cfg.Audience, Client: s.cfg.Audience,
		Expires: issued.Add(s.cfg.AccessTTL).Unix(), IssuedAt: issued.Unix(), NotBefore: issued.Unix(),
		ID: s.secrets.tokenIDOf(refresh), Session: session, Role: string(m.Role),
	})
}

// token writes c in the compact form of RFC 7515 §7.1.
func (k *signer) token(c claims) (string, error) {
	header, err := strictjson.Marshal(struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
		Type      string `json:"typ"`
	}{k.algorithm, k.id, tokenType})
	if err != nil {
		return "", err
	}
	payload, err := strictjson.Marshal(c)
	if err != nil {
		return "", err
	}
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := k.sign([]byte(input))
	if err != nil {
		return "", fmt.Errorf("signing an access token: %w", err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// privateClaims reads the claims that authn does not know.
func privateClaims(c authn.Claims) (any, error) {
	var own struct {
		Session string `json:"sid"`
	}
	if err := c.Decode(&own); err != nil {
		return nil, err
	}
	if own.Session == "" || c.Subject == "" {
		return nil, fmt.Errorf("%w: it has no sid or no sub", authn.ErrInvalid)
	}
	return own.Session, nil
}

func signHS256(secret []byte) func([]byte) ([]byte, error) {
	return func(input []byte) ([]byte, error) {
		m := hmac.New(sha256.New, secret)
		m.Write(input)
		return m.Sum(nil), nil
	}
}

// joseSignature turns an ASN.1 signature into R and S of 32 bytes each.
func joseSignature(der []byte) ([]byte, error) {
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &rs); err != nil || len(rest) != 0 {
		return nil, fmt.Errorf("reading an ECDSA signature: %w", err)
	}
	out := make([]byte, 64)
	rs.R.FillBytes(out[:32])
	rs.S.FillBytes(out[32:])
	return out, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
