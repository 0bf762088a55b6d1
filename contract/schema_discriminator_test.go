package contract

import (
	"strings"
	"testing"
)

// TestDiscriminators: the value of the member names the branch, whether that says
// so or not, and the faults are those of the branch (OAS 3.1 §4.8.25). springdoc
// writes branches that all fit one another's values.
func TestDiscriminators(t *testing.T) {
	const schemas = `"components":{"schemas":{
		"Pet":{"type":"object","required":["kind"],"properties":{"kind":{"type":"string"}}},
		"Cat":{"allOf":[{"$ref":"#/components/schemas/Pet"},{"properties":{"lives":{"type":"integer"}}}]},
		"Dog":{"allOf":[{"$ref":"#/components/schemas/Pet"},{"properties":{"bark":{"type":"boolean"}}}]},
		"Animal":{"discriminator":{"propertyName":"kind","mapping":{"cow":"#/components/schemas/Cow"}},"required":["kind"]},
		"Cow":{"allOf":[{"$ref":"#/components/schemas/Animal"},{"properties":{"milk":{"type":"integer"},"friend":{"oneOf":[{"$ref":"#/components/schemas/Cow"},{"$ref":"#/components/schemas/Hen"}]}}}]},
		"Hen":{"allOf":[{"$ref":"#/components/schemas/Animal"},{"properties":{"eggs":{"type":"integer"}}}]},
		"Bird":{"allOf":[{"$ref":"#/components/schemas/Animal"}]},
		"Duck":{"allOf":[{"$ref":"#/components/schemas/Bird"},{"properties":{"eggs":{"type":"integer"}}}]},
		"Goose":{"allOf":[{"$ref":"#/components/schemas/Bird"},{"properties":{"guards":{"type":"boolean"}}}]},
		"a/b":{"required":["c"]}}}`
	const farm = `{"$ref":"#/components/schemas/Cow"},{"$ref":"#/components/schemas/Hen"}`
	const refs = `{"$ref":"#/components/schemas/Cat"},{"$ref":"#/components/schemas/Dog"}`
	const two = "oneOf: fits more than one of the allowed forms and must fit exactly one"
	for _, c := range []struct{ schema, value, want string }{
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind"}`, `{"kind":"Cat","lives":9}`, ""},
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind"}`, `{"kind":"Cat","lives":"x"}`, "/lives type: must be an integer"},
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind"}`, `{"kind":"zebra"}`, "/kind enum: must be one of: Cat, Dog"},
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind"}`, `{"kind":""}`, "/kind enum: must be one of: Cat, Dog"},
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind"}`, `{"lives":9}`, "oneOf: fits none of the allowed forms"},
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind"}`, `{"kind":1}`, "oneOf: fits none of the allowed forms"},
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind"}`, `[]`, "type: must be an object"},
		{`"oneOf":[REFS,{"type":"null"}],"discriminator":{"propertyName":"kind"}`, `null`, ""},
		{`"oneOf":[REFS,{"type":"null"}],"discriminator":{"propertyName":"kind"}`, `{"kind":"Dog","bark":1}`, "/bark type: must be true or false"},
		{`"anyOf":[REFS],"discriminator":{"propertyName":"kind"}`, `{"kind":"Dog","bark":1,"lives":9}`, "/bark type: must be true or false"},
		{`"anyOf":[REFS],"discriminator":{"propertyName":"kind"}`, `{"kind":"Dog","bark":1,"lives":"x"}`, "/bark type: must be true or false"},
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind","mapping":{"cat":"#/components/schemas/Cat","tom":"Cat"}}`, `{"kind":"tom","lives":"x"}`, "/lives type: must be an integer"},
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind","mapping":{"cat":"#/components/schemas/Cat","tom":"Cat"}}`, `{"kind":"Dog"}`, ""},
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind","mapping":{"cat":"#/components/schemas/Cat","x":"https://a.example/x.json"}}`, `{"kind":"Cat"}`, "/kind enum: must be one of: Dog, cat"},
		{`"oneOf":[{"$ref":"#/components/schemas/a~1b"}],"discriminator":{"propertyName":"kind","mapping":{"x":"#/components/schemas/a~1b"}}`, `{"kind":"x"}`, "/c required: is required"},
		{`"oneOf":[{"$ref":"#/components/schemas/a~1b"}],"discriminator":{"propertyName":"kind"}`, `{"kind":"a/b"}`, "/c required: is required"},
		{`"oneOf":[REFS],"anyOf":[{"required":["x"]}],"discriminator":{"propertyName":"kind"}`, `{"kind":"Cat"}`, "/x required: is required"},
		{`"oneOf":[REFS,{"required":["x"]}],"discriminator":{"propertyName":"kind"}`, `{"kind":"Cat"}`, two},
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind","mapping":{"Dog":"Cat"}}`, `{"kind":"Cat"}`, two},
		{`"oneOf":[REFS],"discriminator":{"mapping":{"Dog":"Cat"}}`, `{"kind":"Cat"}`, two},
		{`"oneOf":[REFS],"discriminator":"kind"`, `{"kind":"Cat"}`, two},
		{`"oneOf":[REFS]`, `{"kind":"Cat"}`, two},
		{`"oneOf":[FARM]`, `{"kind":"cow","milk":1}`, ""},
		{`"oneOf":[FARM]`, `{"kind":"Hen","eggs":"x"}`, "/eggs type: must be an integer"},
		{`"oneOf":[FARM]`, `{"kind":"Cow"}`, "/kind enum: must be one of: Hen, cow"},
		{`"oneOf":[FARM]`, `{"kind":"cow","friend":{"kind":"Hen","friend":1,"eggs":"x"}}`, "/friend/eggs type: must be an integer"},
		{`"oneOf":[{"$ref":"#/components/schemas/Duck"},{"$ref":"#/components/schemas/Goose"}]`, `{"kind":"Duck","eggs":"x"}`, "/eggs type: must be an integer"},
		{`"oneOf":[FARM,{"$ref":"#/components/schemas/Cat"}]`, `{"kind":"cow"}`, two},
		{`"oneOf":[REFS,FARM],"discriminator":{"propertyName":"kind"}`, `{"kind":"Cow","milk":"x"}`, "/milk type: must be an integer"},
		{`"properties":{"pet":{"oneOf":[REFS],"discriminator":{"propertyName":"kind"}}}`, `{"pet":{"kind":"x"}}`, "/pet/kind enum: must be one of: Cat, Dog"},
		{`"oneOf":[REFS],"discriminator":{"propertyName":"kind"},"x-gatehouse":{"texts":{"enum":"No such pet"}}`, `{"kind":"x"}`, "/kind enum: No such pet"},
	} {
		text := `{` + strings.NewReplacer("REFS", refs, "FARM", farm).Replace(c.schema) + `,` + schemas + `}`
		if got := brief(mustSchema(t, text).Validate(value(t, c.value))); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.schema, c.value, got, c.want)
		}
	}
}
