package policy

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

func noInit(t *tree) []string {
	var breaches []string
	for _, s := range t.sources {
		s.functions(func(f *ast.FuncDecl) {
			if f.Recv == nil && f.Name.Name == "init" {
				breaches = append(breaches, s.at(f.Pos())+": init(): nothing happens by importing")
			}
		})
	}
	return breaches
}

// noPackageState refuses package-level variables that change: of a type that
// exists to change, made to be filled, or assigned to in a function.
func noPackageState(t *tree) []string {
	var breaches []string
	for _, dir := range t.dirs() {
		if supportsTests(dir) { // one server for all tests of a program
			continue
		}
		names := map[string]bool{}
		for _, s := range t.in(dir) {
			if s.test {
				continue
			}
			s.packageVars(func(spec *ast.ValueSpec, name *ast.Ident, value ast.Expr) {
				if name.Name == "_" { // only asks whether a type has its methods
					return
				}
				names[name.Name] = true
				if mutable(spec.Type) || mutable(value) {
					breaches = append(breaches, s.at(name.Pos())+": package state: "+name.Name)
				}
			})
		}
		for _, s := range t.in(dir) {
			if !s.test {
				breaches = append(breaches, assigned(s, names)...)
			}
		}
	}
	return breaches
}

func (s *source) packageVars(f func(spec *ast.ValueSpec, name *ast.Ident, value ast.Expr)) {
	for _, d := range s.file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			for i, name := range v.Names {
				var value ast.Expr
				if i < len(v.Values) {
					value = v.Values[i]
				}
				f(v, name, value)
			}
		}
	}
}

// mutable tells whether a type or a value exists to be changed.
func mutable(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		return ok && (x.Name == "atomic" || x.Name == "sync" && e.Sel.Name != "Pool") // a pool holds no facts
	case *ast.IndexExpr:
		return mutable(e.X)
	case *ast.CompositeLit:
		return mutable(e.Type)
	case *ast.UnaryExpr:
		return mutable(e.X)
	case *ast.StarExpr:
		return mutable(e.X)
	case *ast.ChanType:
		return true
	case *ast.CallExpr:
		id, ok := e.Fun.(*ast.Ident)
		return ok && id.Name == "make"
	}
	return false
}

// assigned finds functions that assign to one of the names, unless they declare
// that name themselves.
func assigned(s *source, names map[string]bool) []string {
	var breaches []string
	s.functions(func(f *ast.FuncDecl) {
		own := declared(f)
		report := func(e ast.Expr) {
			name := rootName(e)
			if names[name] && !slices.Contains(own, name) {
				breaches = append(breaches, s.at(e.Pos())+": package state: "+f.Name.Name+" changes "+name)
			}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, l := range n.Lhs {
						report(l)
					}
				}
			case *ast.IncDecStmt:
				report(n.X)
			}
			return true
		})
	})
	return breaches
}

// rootName is the variable an assignment changes: m in m[k], m.x and *m.
func rootName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr:
		return rootName(e.X)
	case *ast.SelectorExpr:
		return rootName(e.X)
	case *ast.StarExpr:
		return rootName(e.X)
	case *ast.ParenExpr:
		return rootName(e.X)
	}
	return ""
}

// declared are the names that a function declares: parameters, results,
// receiver, := and var.
func declared(f *ast.FuncDecl) []string {
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, id := range n.Names {
				names = append(names, id.Name)
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				names = append(names, id.Name)
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, l := range n.Lhs {
					names = append(names, rootName(l))
				}
			}
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if e != nil {
					names = append(names, rootName(e))
				}
			}
		}
		return true
	})
	return slices.DeleteFunc(names, func(n string) bool { return strings.TrimLeft(n, "_") == "" })
}
