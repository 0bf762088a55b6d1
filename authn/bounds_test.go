package authn

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/call"
)

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" // RFC 4648 section 5

func TestAlphabetsOfTokens(t *testing.T) {
	for b := range 256 {
		c := string([]byte{byte(b)})
		// RFC 6750 section 2.1: b64token.
		if got, want := isToken68("a"+c), strings.Contains(base64url+".~+/=", c); got != want {
			t.Errorf("b64token: %q is taken: %v, want %v", c, got, want)
		}
		if b == '.' {
			continue
		}
		if _, err := split("a." + c + ".c"); (err == nil) != strings.Contains(base64url, c) {
			t.Errorf("base64url: %q: %v", c, err)
		}
		// RFC 9110 section 5.6.4: what a quoted-string holds without escapes.
		if _, err := New(Config{Realm: "a" + c}); (err == nil) != (b >= ' ' && b <= '~' && b != '"' && b != '\\') {
			t.Errorf("realm with %q: %v", c, err)
		}
	}
}

func TestLengthsOfTokens(t *testing.T) {
	at, above := strings.Repeat("a", MaxToken-4)+".b.c", strings.Repeat("a", MaxToken-3)+".b.c"
	if _, err := split(at); err != nil {
		t.Errorf("%d bytes: %v", len(at), err)
	}
	if _, err := split(above); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), strconv.Itoa(MaxToken)+" bytes") {
		t.Errorf("%d bytes: %v", len(above), err)
	}
	if w := serve(t, request("GET", "/mine", "Cookie", cookie+strings.Repeat("a", MaxToken)), nil); w.Code != 204 {
		t.Errorf("a cookie of %d bytes: %d", MaxToken, w.Code)
	}
}

func TestParseRefusesEachPartThatCannotBeRead(t *testing.T) {
	for name, token := range map[string]string{"no dots": "a", "a byte": "a.!.c", "four parts": "a.b.c.d"} {
		if _, err := split(token); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, part := range map[string]string{
		"no base64url": "a", "no JSON": b64("{"), "no object": b64("[]"), "a key of its own": b64(`{"jwk":{}}`), "alg is a number": b64(`{"alg":1}`),
	} {
		if _, err := readHeader(part); !errors.Is(err, ErrInvalid) || strings.HasSuffix(err.Error(), "base64url") != (name == "no base64url") {
			t.Errorf("header, %s: %v", name, err)
		}
	}
	for name, part := range map[string]string{
		"no base64url": "a", "no JSON": b64("{"), "no exp": b64(`{}`), "before 1970": b64(`{"exp":-1}`), "after the year 9999": b64(`{"exp":253402300800}`),
		"aud is a number": b64(`{"aud":1,"exp":1}`), "aud holds a number": b64(`{"aud":[1],"exp":1}`), "aud is no text": b64(`{"aud":"\ud800","exp":1}`),
	} {
		if _, err := readClaims(part, ""); !errors.Is(err, ErrInvalid) {
			t.Errorf("claims, %s: %v", name, err)
		}
	}
	// RFC 7519 section 2: NumericDate counts from 1970-01-01T00:00:00Z.
	for part, want := range map[string]time.Time{
		`{"exp":0}`: time.Unix(0, 0), `{"exp":253402300799}`: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		if c, err := readClaims(b64(part), ""); err != nil || !c.Expires.Equal(want) {
			t.Errorf("%s: %v %v", part, c.Expires, err)
		}
	}
}

func TestKidOfTheGreatestLength(t *testing.T) {
	kid := strings.Repeat("k", maxKid)
	if h, err := readHeader(b64(`{"kid":"` + kid + `"}`)); err != nil || h.kid != kid {
		t.Errorf("%d bytes: %v", maxKid, err)
	}
	if _, err := readHeader(b64(`{"kid":"` + kid + `k"}`)); err == nil || !strings.Contains(err.Error(), strconv.Itoa(maxKid)+" bytes") {
		t.Errorf("%d bytes: %v", maxKid+1, err)
	}
}

func TestLeewayToTheSecond(t *testing.T) {
	for leeway, fits := range map[time.Duration]bool{maxLeeway: true, maxLeeway + 1: false, maxLeeway - time.Second: true} {
		cfg := config(t)
		cfg.Leeway = leeway
		if _, err := NewJWT(cfg); (err == nil) != fits || err != nil && !strings.Contains(err.Error(), " "+maxLeeway.String()) {
			t.Errorf("%v: %v", leeway, err)
		}
	}
}

// RFC 7515 section 4.1.9: "application/" may be left out where no other slash
// follows.
func TestTypesOfTokens(t *testing.T) {
	for _, row := range []struct {
		got, want string
		same      bool
	}{
		{"at+jwt", "at+jwt", true}, {"AT+JWT", "at+jwt", true}, {"application/at+jwt", "at+jwt", true}, {"Application/x", "x", true},
		{"application/", "application/", true}, {"application/", "", false}, {"application/xy", "x", false}, {"text/x", "x", false},
	} {
		if got := sameType(row.got, row.want); got != row.same {
			t.Errorf("%q and %q: %v", row.got, row.want, got)
		}
	}
}

// RFC 7518 section 3.3 asks for 2048 bits or more, section 3.2 for a secret as
// long as the hash: 32 bytes. RFC 8017 section 3.1 has exponents from 3 up.
func TestStrengthOfKeys(t *testing.T) {
	modulus := func(bits uint) *big.Int {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return n.SetBit(n, 0, 1)
	}
	for _, row := range []struct {
		bits     uint
		exponent int
		fits     bool
	}{{2048, 3, true}, {2047, 3, false}, {2048, 2, false}, {2048, 1, false}, {2048, 65537, true},
		{2048, 1<<31 - 1, true}, {2048, 1<<31 + 1, false}} { // crypto/rsa takes no longer one
		err := fitsRSA(&rsa.PublicKey{N: modulus(row.bits), E: row.exponent})
		if (err == nil) != row.fits || row.bits < 2048 && !strings.Contains(err.Error(), "2048") {
			t.Errorf("%d bits, exponent %d: %v", row.bits, row.exponent, err)
		}
	}
	if err := fitsSecret(make([]byte, 31)); err == nil || !strings.Contains(err.Error(), "31 bytes; 32 are") {
		t.Errorf("31 bytes: %v", err)
	}
	i := newIssuer()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: now}
	der, err := x509.CreateCertificate(nil, template, template, i.ed.Public(), i.ed)
	if err != nil {
		t.Fatal(err)
	}
	if fitsSecret(der) == nil {
		t.Error("a certificate is taken for a secret")
	}
}

// An origin is http or https (RFC 6454 section 4).
func TestOriginsOfOtherSchemes(t *testing.T) {
	if _, err := NewOrigins([]string{"ftp://app.example.org"}); err == nil {
		t.Error("ftp is trusted")
	}
	if sameOrigin("notes.example.org", "notes.example.org", false) {
		t.Error("a host without a scheme is an origin")
	}
}

func TestSizesOfTheCache(t *testing.T) {
	for size, half := range map[int]int{-10: 0, -1: 0, 0: 0, 1: 1, 2: 1, 100: 50} {
		if got := newCache(size).half; got != half {
			t.Errorf("%d: halves of %d, want %d", size, got, half)
		}
	}
	if got := newJWT(t, nil).cache.half; got != 2048 {
		t.Errorf("by default halves of %d", got)
	}
	if v, held := newCache(2).get(fingerprint("x")); held || v.key.material != nil {
		t.Error("a token out of nowhere")
	}
}

// undecided is a verifier that names somebody and fails all the same.
type undecided struct{}

func (undecided) Verify(context.Context, string) (*call.Principal, error) {
	return &call.Principal{ID: "ada", Role: "member"}, ErrInvalid
}

func TestAPrincipalBesideAnErrorIsNobody(t *testing.T) {
	for field, value := range map[string]string{"Authorization": "Bearer live", "Cookie": cookie + "live"} {
		w := serve(t, request("GET", "/mine", field, value), func(c *Config) { c.Bearer, c.Cookie = undecided{}, undecided{} })
		if w.Code != 401 {
			t.Errorf("%s: %d; want 401", field, w.Code)
		}
	}
}
