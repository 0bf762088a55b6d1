package contract

import "testing"

const naming = `
openapi: 3.1.0
info: {title: Naming, version: "1"}
x-gatehouse: {name: naming}
paths:
  /things/{id}:
    put:
      operationId: put
      x-gatehouse: {access: public}
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: filter, in: query, style: deepObject, schema: {type: object, properties: {colour: {type: string}}}}
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                "a/b": {type: string}
                list: {type: array, items: {$ref: "#/components/schemas/Item"}}
                labels: {type: object, additionalProperties: {type: integer}}
              required: [asked]
      responses: {"204": {description: done}}
components:
  schemas:
    Item: {type: object, properties: {within: {type: integer}}}
`

// TestNamesOfTheClient: of a pointer stays what the contract itself states.
func TestNamesOfTheClient(t *testing.T) {
	api, err := Load(File{Name: "naming.yaml", Data: []byte(naming)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	op := api.Operations[0]
	for pointer, want := range map[string]string{
		"": "", "/list": "/list", "/list/7/within": "/list/7/within", "/a~1b": "/a~1b", "/asked": "/asked",
		"#/query": "#/query", "#/path/id": "#/path/id", "#/query/filter/colour": "#/query/filter/colour",
		"/CANARY": "", "/CANARY/list": "", "/labels/CANARY": "/labels", "/list/7/CANARY": "/list/7", "/list/4711": "/list",
		"#/query/CANARY": "#/query", "#/query/filter/CANARY": "#/query/filter", "CANARY": "", "/": "/",
		"/list/999": "/list/999", "/list/abc": "/list",
	} {
		if got := op.Named(pointer); got != want {
			t.Errorf("%s: %q; want %q", pointer, got, want)
		}
	}
}

// TestNamesOfAnOperationMadeByHand: its names are found when they are asked for,
// those that stand in a condition alone among them.
func TestNamesOfAnOperationMadeByHand(t *testing.T) {
	op := &Operation{Body: bodyOf(t, `{"application/json":{"schema":{"type":"object",
		"dependentRequired":{"card":["billing"]},"dependentSchemas":{"gift":{"required":["note"]}}}}}`, true)}
	for pointer, want := range map[string]string{
		"/card": "/card", "/billing": "/billing", "/gift": "/gift", "/note": "/note", "/CANARY": "", "#/query/CANARY": "#/query",
	} {
		if got := op.Named(pointer); got != want {
			t.Errorf("%s: %q; want %q", pointer, got, want)
		}
	}
}

// TestHintsAreWords: whoever adopts the gate has to know what clients send; a
// secret in the place of a name is no plain word.
func TestHintsAreWords(t *testing.T) {
	api, err := Load(File{Name: "naming.yaml", Data: []byte(naming)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for pointer, want := range map[string]string{
		"": "", "/list": "/list", "/csrf": "/csrf", "/X-Csrf_Token": "/X-Csrf_Token", "/labels/red": "/labels/red", "#/query/utm_source": "#/query/utm_source",
		"/within/list": "/within/list", "/csrf/inner": "/csrf", "/sk_live_51H8": "", "/eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0": "", "/a@example.org": "",
		"/correcthorsebatterystaple": "", "/correcthorsebatterystapl": "/correcthorsebatterystapl", "#/query/4711": "#/query", "/na~1me": "", "/na\u00efve": "",
	} {
		if got := api.Operations[0].Hinted(pointer); got != want {
			t.Errorf("%s: %q; want %q", pointer, got, want)
		}
	}
}
