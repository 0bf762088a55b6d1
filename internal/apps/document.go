package apps

import (
	"fmt"
	"strings"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// Document joins the contracts into one OpenAPI 3.1 document, as /openapi.json
// serves it. Each path is written with the base path under which it is mounted,
// and the components of each contract carry its name as a prefix, so that two
// contracts may use one name.
func Document(version string, apis []*contract.API) ([]byte, error) {
	j := joiner{paths: map[string]any{}, components: map[string]any{}, tags: []any{}, mounted: map[string]int{}}
	for _, api := range apis {
		if err := j.add(api); err != nil {
			return nil, fmt.Errorf("joining contract %s: %w", api.Name, err)
		}
	}
	return strictjson.Marshal(map[string]any{
		"openapi":    "3.1.0",
		"info":       map[string]any{"title": "Gatehouse", "version": version},
		"paths":      j.paths,
		"components": j.components,
		"tags":       j.tags,
	})
}

type joiner struct {
	paths, components map[string]any
	tags              []any
	mounted           map[string]int // how often an operation was written, by API and operationId
}

func (j *joiner) add(api *contract.API) error {
	v, err := strictjson.Decode(api.Document)
	if err != nil {
		return err
	}
	doc, _ := v.(map[string]any)
	rename(doc, api.Name)
	j.tags = append(j.tags, map[string]any{"name": api.Name, "description": api.Title})
	for _, op := range api.Operations {
		item, method := sourceOf(doc, op)
		if method == nil {
			return fmt.Errorf("operation %s is not in its document", op.ID)
		}
		method["tags"] = []any{api.Name}
		method["operationId"] = j.idOf(api.Name + "_" + op.ID)
		j.put(op, item, method)
	}
	components, _ := doc["components"].(map[string]any)
	for kind, named := range components {
		all, _ := j.components[kind].(map[string]any)
		if all == nil {
			all = map[string]any{}
			j.components[kind] = all
		}
		list, _ := named.(map[string]any)
		for name, c := range list {
			all[api.Name+"."+name] = c
		}
	}
	return nil
}

// idOf makes an operationId unique: an operation that stands under two base
// paths is two in the joined document.
func (j *joiner) idOf(id string) string {
	j.mounted[id]++
	if n := j.mounted[id]; n > 1 {
		return fmt.Sprintf("%s_%d", id, n)
	}
	return id
}

// put writes one operation under its full path. An ordinary GET wins over a
// WebSocket on the same path, which OpenAPI has no place for.
func (j *joiner) put(op *contract.Operation, item, method map[string]any) {
	at, _ := j.paths[op.Path].(map[string]any)
	if at == nil {
		at = map[string]any{}
		j.paths[op.Path] = at
	}
	key := strings.ToLower(op.Method)
	if _, taken := at[key]; taken && op.Socket != nil {
		return
	}
	at[key] = method
	if p, ok := item["parameters"]; ok {
		method["parameters"] = append(asList(method["parameters"]), asList(p)...)
	}
}

// sourceOf finds an operation in its document by its operationId.
func sourceOf(doc map[string]any, op *contract.Operation) (item, method map[string]any) {
	paths, _ := doc["paths"].(map[string]any)
	for path, v := range paths {
		item, _ := v.(map[string]any)
		if !strings.HasSuffix(op.Path, strings.TrimSuffix(path, "/")) {
			continue
		}
		m, _ := item[strings.ToLower(op.Method)].(map[string]any)
		if m != nil && m["operationId"] == op.ID {
			own := make(map[string]any, len(m))
			for k, v := range m {
				own[k] = v
			}
			return item, own
		}
	}
	return nil, nil
}

// rename points every reference into the components at the prefixed name.
func rename(v any, prefix string) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			v["$ref"] = prefixed(ref, prefix)
		}
		for _, x := range v {
			rename(x, prefix)
		}
	case []any:
		for _, x := range v {
			rename(x, prefix)
		}
	}
}

func prefixed(ref, prefix string) string {
	const root = "#/components/"
	rest, ok := strings.CutPrefix(ref, root)
	if !ok {
		return ref
	}
	kind, name, _ := strings.Cut(rest, "/")
	return root + kind + "/" + prefix + "." + name
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}
