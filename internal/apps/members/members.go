package members

import (
	_ "embed" // the contract and the pages

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/identity"
)

//go:embed openapi.yaml
var document []byte

//go:embed setup.html
var setupForm []byte

//go:embed done.html
var setupDone []byte

//go:embed setup.js
var setupScript []byte

// Contract is the contract of this app.
func Contract() contract.File { return contract.File{Name: "members/openapi.yaml", Data: document} }

// member is how a member is shown to himself or herself.
type member struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Email    string `json:"email"`
	Role     string `json:"role"`
}

func shown(m identity.Member) member {
	return member{m.ID, m.Username, m.Email, string(m.Role)}
}

// tokens is the answer of a login without a cookie.
type tokens struct {
	Message      string `json:"message"`
	Token        string `json:"token"`
	RefreshToken string `json:"refreshToken"`
	ExpiresIn    int    `json:"expiresIn"` // seconds
	Member       member `json:"member"`
}

// pair is the answer of a refresh.
type pair struct {
	Token        string `json:"token"`
	RefreshToken string `json:"refreshToken"`
	ExpiresIn    int    `json:"expiresIn"` // seconds
}

// greeting is the answer that holds a member and no token.
type greeting struct {
	Message string `json:"message"`
	Member  member `json:"member"`
}

// profile is the answer of GET /profile, whose names are those of the guide.
type profile struct {
	Message  string `json:"message"`
	UserID   string `json:"userId"`
	Email    string `json:"email"`
	Username string `json:"username"`
	Role     string `json:"role"`
}

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Cookie   bool   `json:"cookie"`
}

type signUp struct {
	Username string `json:"username"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Invite   string `json:"invite"`
}

type passwords struct {
	Current string `json:"currentPassword"`
	New     string `json:"newPassword"`
}

type setup struct {
	Token    string `json:"token"`
	Username string `json:"username"`
	Email    string `json:"email"`
	Password string `json:"password"`
}
