package authn

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// Claims are the registered claims of a verified token (RFC 7519 §4.1). Times
// are zero when the token does not state them; Expires is always set.
type Claims struct {
	ID        string // jti
	Issuer    string // iss
	Subject   string // sub
	Audience  []string
	IssuedAt  time.Time
	NotBefore time.Time
	Expires   time.Time

	KeyID   string // kid of the key that verified it
	Private any    // what JWTConfig.Private made of the token; nil without it

	payload []byte
}

// Decode decodes all claims into v, a pointer to a struct with json tags. It is
// how claims of your own are read; JWTConfig.Private calls it once per token.
func (c Claims) Decode(v any) error {
	if err := strictjson.Unmarshal(c.payload, v); err != nil {
		return fmt.Errorf("%w: its claims are %w", ErrInvalid, err)
	}
	return nil
}

// registered is the shape of the claims on the wire. Pointers tell a claim that
// is missing from one that is zero.
type registered struct {
	ID        string   `json:"jti"`
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	IssuedAt  *float64 `json:"iat"`
	NotBefore *float64 `json:"nbf"`
	Expires   *float64 `json:"exp"`
}

// audience is one string or a list of strings (RFC 7519 §4.1.3).
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte{'"'}) {
		*a = make(audience, 1)
		return strictjson.Unmarshal(data, &(*a)[0])
	}
	return strictjson.Unmarshal(data, (*[]string)(a))
}

// readClaims decodes a payload whose signature is verified.
func readClaims(part, kid string) (Claims, error) {
	data, err := unbase64(part)
	if err != nil {
		return Claims{}, err
	}
	var r registered
	if err := strictjson.Unmarshal(data, &r); err != nil {
		return Claims{}, fmt.Errorf("%w: its claims are %w", ErrInvalid, err)
	}
	c := Claims{ID: r.ID, Issuer: r.Issuer, Subject: r.Subject, Audience: r.Audience, KeyID: kid, payload: data}
	if r.Expires == nil {
		return Claims{}, fmt.Errorf("%w: it has no exp", ErrInvalid)
	}
	for _, t := range []struct {
		from *float64
		to   *time.Time
	}{{r.IssuedAt, &c.IssuedAt}, {r.NotBefore, &c.NotBefore}, {r.Expires, &c.Expires}} {
		if t.from == nil {
			continue
		}
		if *t.to, err = numericDate(*t.from); err != nil {
			return Claims{}, err
		}
	}
	return c, nil
}

// lastSecond is the end of the year 9999; a later date is an attack on
// arithmetic rather than a date.
const lastSecond = 253402300799

// numericDate is seconds since 1970, fractions allowed (RFC 7519 §2).
func numericDate(seconds float64) (time.Time, error) {
	if !(seconds >= 0 && seconds <= lastSecond) {
		return time.Time{}, fmt.Errorf("%w: a time out of range", ErrInvalid)
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*float64(time.Second))), nil
}
