package policy

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
)

// layerShape wants every layer folder to look like every other.
func layerShape(t *tree) []string {
	var breaches []string
	for _, dir := range layers() {
		if len(t.in(dir)) == 0 {
			continue
		}
		name := path.Base(dir)
		for _, file := range []string{"doc.go", name + ".go", name + "_test.go", "attack_test.go", "example_test.go"} {
			if !t.has(dir + "/" + file) {
				breaches = append(breaches, dir+": has no "+file)
			}
		}
		for _, s := range t.in(dir) {
			switch path.Base(s.path) {
			case "doc.go":
				breaches = append(breaches, layerDoc(s)...)
			case name + ".go":
				breaches = append(breaches, layerEntry(s)...)
			case "example_test.go":
				if !declares(s, func(n string) bool { return strings.HasPrefix(n, "Example") }) {
					breaches = append(breaches, s.path+": has no Example function")
				}
			}
		}
	}
	return breaches
}

func layerDoc(s *source) []string {
	var breaches []string
	for _, word := range []string{"Stops:", "Source:", "Place:", "Zero Config", "Not covered:"} {
		if !strings.Contains(s.file.Doc.Text(), word) {
			breaches = append(breaches, s.path+": does not say "+word)
		}
	}
	return breaches
}

// layerEntry wants type Config struct and
// func New(Config) (func(http.Handler) http.Handler, error).
func layerEntry(s *source) []string {
	var breaches []string
	config := false
	for _, d := range s.file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, spec := range g.Specs {
			ts := spec.(*ast.TypeSpec)
			_, isStruct := ts.Type.(*ast.StructType)
			config = config || ts.Name.Name == "Config" && isStruct
		}
	}
	if !config {
		breaches = append(breaches, s.path+": has no type Config struct")
	}
	found := false
	s.functions(func(f *ast.FuncDecl) { found = found || f.Recv == nil && f.Name.Name == "New" && isLayerNew(f.Type) })
	if !found {
		breaches = append(breaches, s.path+": has no func New(Config) (func(http.Handler) http.Handler, error)")
	}
	return breaches
}

func isLayerNew(f *ast.FuncType) bool {
	if f.Params.NumFields() != 1 || f.Results.NumFields() != 2 || !isNamed(f.Params.List[0].Type, "Config") {
		return false
	}
	wrap, ok := f.Results.List[0].Type.(*ast.FuncType)
	if !ok || wrap.Params.NumFields() != 1 || wrap.Results.NumFields() != 1 {
		return false
	}
	return isHandler(wrap.Params.List[0].Type) && isHandler(wrap.Results.List[0].Type) && isNamed(f.Results.List[1].Type, "error")
}

func isNamed(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func isHandler(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Handler" && isNamed(sel.X, "http")
}

func declares(s *source, match func(string) bool) bool {
	found := false
	s.functions(func(f *ast.FuncDecl) { found = found || f.Recv == nil && match(f.Name.Name) })
	return found
}

// withoutRows are the apps that need no store and no schema: system keeps
// nothing, and what members shows is kept by internal/identity.
func withoutRows() []string { return []string{"internal/apps/system", "internal/apps/members"} }

// appShape wants every app folder to look like every other.
func appShape(t *tree) []string {
	var breaches []string
	for _, dir := range t.dirs() {
		if path.Dir(dir) != "internal/apps" {
			continue
		}
		name := path.Base(dir)
		want := []string{"doc.go", "openapi.yaml", name + ".go", "http.go", "abuse_test.go"}
		if !slices.Contains(withoutRows(), dir) {
			want = append(want, "store.go", "schema")
		}
		for _, file := range want {
			if !t.has(dir + "/" + file) {
				breaches = append(breaches, dir+": has no "+file)
			}
		}
		breaches = append(breaches, rulesWithoutIO(t, dir, name)...)
	}
	return breaches
}

// rulesWithoutIO keeps <app>.go to types and rules.
func rulesWithoutIO(t *tree, dir, name string) []string {
	var breaches []string
	for _, s := range t.in(dir) {
		if path.Base(s.path) != name+".go" {
			continue
		}
		for _, p := range []string{"database/sql", "os", "net", "io/fs", module + "/internal/store"} {
			if s.usesImport(p) {
				breaches = append(breaches, s.path+": imports "+p+"; types and rules only, no I/O")
			}
		}
	}
	return breaches
}

// documented wants a comment on every package, every exported name outside
// tests and main, and every exported field of a Config.
func documented(t *tree) []string {
	var breaches []string
	for _, dir := range t.dirs() {
		said := false
		for _, s := range t.in(dir) {
			if s.test {
				continue
			}
			said = said || s.file.Doc.Text() != ""
			if !s.main() {
				breaches = append(breaches, undocumented(s)...)
			}
		}
		if !said {
			breaches = append(breaches, dir+": no package comment")
		}
	}
	return breaches
}

func undocumented(s *source) []string {
	var breaches []string
	say := func(id *ast.Ident) {
		breaches = append(breaches, s.at(id.Pos())+": "+id.Name+" is exported and has no comment")
	}
	line := func(p token.Pos) int { return s.fset.Position(p).Line }
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc.Text() == "" && exportedReceiver(d) {
				say(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				undocumentedSpec(d, spec, line, say)
			}
		}
	}
	return breaches
}

func undocumentedSpec(d *ast.GenDecl, spec ast.Spec, at func(token.Pos) int, say func(*ast.Ident)) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() && d.Doc.Text() == "" && spec.Doc.Text() == "" && spec.Comment.Text() == "" {
			say(spec.Name)
		}
		if st, ok := spec.Type.(*ast.StructType); ok && strings.HasSuffix(spec.Name.Name, "Config") && spec.Name.IsExported() {
			undocumentedFields(st, at, say)
		}
	case *ast.ValueSpec:
		if d.Doc.Text() == "" && spec.Doc.Text() == "" && spec.Comment.Text() == "" {
			for _, id := range spec.Names {
				if id.IsExported() {
					say(id)
				}
			}
		}
	}
}

// undocumentedFields passes a field that a comment above a group of lines covers,
// and one that is called like its type, whose comment says it.
func undocumentedFields(st *ast.StructType, at func(token.Pos) int, say func(*ast.Ident)) {
	covered := 0 // the line up to which a comment speaks
	for _, f := range st.Fields.List {
		line := at(f.Pos())
		if f.Doc.Text() != "" || line == covered+1 {
			covered = at(f.End())
			continue
		}
		if f.Comment.Text() != "" {
			continue
		}
		for _, id := range f.Names {
			if id.IsExported() && typeName(f.Type) != id.Name {
				say(id)
			}
		}
	}
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// exportedReceiver tells whether a method is part of what godoc shows.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	e := f.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}
