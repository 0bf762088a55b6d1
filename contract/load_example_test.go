package contract_test

import (
	"fmt"

	"github.com/gatehouse-api/gatehouse/contract"
)

// Somebody's document, which says nothing of access, and the overlay that does.
func ExampleLoad() {
	document := contract.File{Name: "notes.yaml", Data: []byte(`
openapi: 3.1.0
info: { title: Notes, version: "1.0" }
servers: [{ url: /api }]
paths:
  /notes/{id}:
    get:
      parameters:
        - { name: id, in: path, required: true, schema: { type: integer } }
    delete:
      parameters:
        - { name: id, in: path, required: true, schema: { type: integer } }
`)}
	overlay := contract.File{Name: "notes.overlay.yaml", Data: []byte(`
GET /notes/{id}: { access: { roles: [member] } }
`)}

	_, err := contract.Load(document, contract.Options{Roles: []string{"member", "admin"}}, overlay)
	fmt.Println(err)

	overlay.Data = append(overlay.Data, "DELETE /notes/{id}: { access: { own: row, or_roles: [admin] } }\n"...)
	api, err := contract.Load(document, contract.Options{Roles: []string{"member", "admin"}}, overlay)
	if err != nil {
		fmt.Println(err)
		return
	}
	table, err := contract.NewTable(api)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, path := range []string{"/api/notes/7", "/api/%2e%2e/admin"} {
		if m := table.Match("DELETE", path, false); m.Miss != nil {
			fmt.Println(m.Miss.Status, m.Miss.Detail)
		} else {
			fmt.Println(m.Operation.ID, m.Values, m.Operation.Access)
		}
	}
	// Output:
	// notes.yaml:10:5  GH-ACC-001  DELETE /notes/{id} says nothing about who may call it
	//      9 |         - { name: id, in: path, required: true, schema: { type: integer } }
	//     10 |     delete:
	//              ^^^^^^
	//    It will not be served.
	//    Add one of
	//      x-gatehouse: { access: { roles: [admin] } }
	//      x-gatehouse: { access: { own: row } }
	//      x-gatehouse: { access: public }
	//      or, in an overlay,
	//      DELETE /notes/{id}: { access: public }
	// 1 problem
	// delete_notes_id [7] { own: row, or_roles: [admin] }
	// 400 The path must not have dot segments
}
