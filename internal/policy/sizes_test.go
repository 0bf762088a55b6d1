package policy

import (
	"fmt"
	"go/ast"
	"slices"
)

func fileSizes(t *tree) []string {
	var breaches []string
	for _, s := range t.sources {
		most := 500
		if s.test {
			most = 800
		}
		if s.lines > most {
			breaches = append(breaches, fmt.Sprintf("%s: %d lines, at most %d", s.path, s.lines, most))
		}
	}
	return breaches
}

// functionSizes counts from func to the closing brace. Nine in ten functions of
// the program, tests not counted, stay under 56 lines.
func functionSizes(t *tree) []string {
	var breaches []string
	var program, long int
	for _, s := range t.sources {
		s.functions(func(f *ast.FuncDecl) {
			n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
			if n > 80 {
				breaches = append(breaches, fmt.Sprintf("%s: %s has %d lines, at most 80", s.at(f.Pos()), f.Name.Name, n))
			}
			if s.test {
				return
			}
			program++
			if n >= 56 {
				long++
			}
		})
	}
	if long*10 > program {
		breaches = append(breaches, fmt.Sprintf("%d of %d functions have 56 lines or more; nine in ten stay under", long, program))
	}
	return breaches
}

func parameters(t *tree) []string {
	var breaches []string
	for _, s := range t.sources {
		s.functions(func(f *ast.FuncDecl) {
			if n := f.Type.Params.NumFields(); n > 6 {
				breaches = append(breaches, fmt.Sprintf("%s: %s takes %d parameters, at most 6", s.at(f.Pos()), f.Name.Name, n))
			}
		})
	}
	return breaches
}

func interfaces(t *tree) []string {
	var breaches []string
	for _, s := range t.sources {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok && i.Methods.NumFields() > 3 {
				breaches = append(breaches, fmt.Sprintf("%s: an interface of %d methods, at most 3", s.at(i.Pos()), i.Methods.NumFields()))
			}
			return true
		})
	}
	return breaches
}

func packageNames(t *tree) []string {
	drawers := []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base", "types", "mock", "mocks"}
	var breaches []string
	for _, s := range t.sources {
		if slices.Contains(drawers, s.file.Name.Name) {
			breaches = append(breaches, s.path+": package "+s.file.Name.Name+" is a drawer; name it after what it does")
		}
	}
	return breaches
}

func gateOnOnePage(t *tree) []string {
	for _, s := range t.sources {
		if s.path == "gate.go" && s.lines < 250 {
			return nil
		}
	}
	return []string{"gate.go: the request path stands in one file under 250 lines"}
}
