package authn

import (
	"context"
	"errors"

	"github.com/gatehouse-api/gatehouse/call"
)

// Verifier tells whose credential a token is. Its errors wrap ErrInvalid,
// ErrExpired or ErrRevoked when the credential does not hold; any other error
// means that it could not find out, and the caller is answered 503. A revoked
// credential must be refused on the very next call, so a Verifier that
// remembers tokens still asks for revocation each time. The Principal is not
// changed by the layer and may be shared.
type Verifier interface {
	Verify(ctx context.Context, token string) (*call.Principal, error)
}

// ErrInvalid is wrapped by errors for a credential that never held: malformed,
// forged, of another issuer, unknown.
var ErrInvalid = errors.New("the credential is not valid")

// ErrExpired is wrapped by errors for a credential that has ended by itself.
var ErrExpired = errors.New("the credential has expired")

// ErrRevoked is wrapped by errors for a credential that was ended before its
// time: logout, suspension, a changed password.
var ErrRevoked = errors.New("the credential was revoked")

// dead tells whether err says that the credential does not hold, as against
// that nobody could find out.
func dead(err error) bool {
	return errors.Is(err, ErrInvalid) || errors.Is(err, ErrExpired) || errors.Is(err, ErrRevoked)
}
