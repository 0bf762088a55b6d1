package system

import (
	_ "embed" // the contract, the page and its stylesheet
	"time"

	"github.com/gatehouse-api/gatehouse/contract"
)

//go:embed openapi.yaml
var document []byte

//go:embed root.html
var rootPage []byte

//go:embed gatehouse.css
var stylesheet []byte

// Contract is the contract of this app.
func Contract() contract.File { return contract.File{Name: "system/openapi.yaml", Data: document} }

// health is the answer of GET /health; the pointers are for admins.
type health struct {
	Status    string  `json:"status"`
	Uptime    float64 `json:"uptime"`
	Timestamp string  `json:"timestamp"`
	Version   string  `json:"version"`
	Commit    string  `json:"commit,omitempty"`
	Memory    *memory `json:"memory,omitempty"`
}

type memory struct {
	Heap   uint64 `json:"heap"`
	System uint64 `json:"system"`
}

// stamp writes a time as the applications of the browser do.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
