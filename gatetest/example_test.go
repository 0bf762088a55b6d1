package gatetest_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gatehouse-api/gatehouse"
	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/gatetest"
)

const clock = `
openapi: 3.1.0
info: { title: Clock, version: "1" }
paths:
  /time:
    get:
      operationId: readTime
      x-gatehouse: { access: public }
      responses: { "200": { description: The time } }
`

func newClock() (*gatehouse.Gate, http.Handler) {
	api, err := contract.Load(contract.File{Name: "clock.yaml", Data: []byte(clock)}, contract.Options{})
	if err != nil {
		panic(err)
	}
	gate, err := gatehouse.New(gatehouse.Config{Contracts: []*contract.API{api}})
	if err != nil {
		panic(err)
	}
	return gate, gate.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"time":"12:00"}`)
	}))
}

// A test of your own calls Attacks and Access.
func ExampleAttacks() {
	_ = func(t *testing.T) {
		gate, handler := newClock()
		gatetest.Attacks(t, handler, gatetest.Target{Table: gate.Table()})
		gatetest.Access(t, handler, gatetest.Target{Table: gate.Table()})
	}
}

// The rows are values: run them with whatever runs your tests.
func ExampleTarget_Attacks() {
	gate, _ := newClock()
	rows, err := gatetest.Target{Table: gate.Table()}.Attacks()
	if err != nil {
		fmt.Println(err)
		return
	}
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"time":"12:00"}`) })
	for _, row := range rows {
		if row.Name == "path that no contract describes" {
			fmt.Println(row.Try(bare))
		}
	}
	// Output:
	// want [404]
	// GET /gatetest-nothing-here was answered 200 "{\"time\":\"12:00\"}"
}
