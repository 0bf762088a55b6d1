package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is one change of the source.
type mutant struct {
	id       int
	operator string
	file     string // from the root
	line     int
	before   string // the lines it stands in, blanks folded
	after    string // the same with the change
}

// rewriter plants the mutants of one file.
type rewriter struct {
	fset    *token.FileSet
	src     []byte
	base    token.Pos
	name    string // of the file, from the root
	pkg     *types.Package
	info    *types.Info
	imports map[string]string // name by path
	next    func() int

	results []*ast.FieldList         // of the functions around, the innermost last
	tagless map[*ast.CaseClause]bool // cases of a switch without a tag
	fixed   map[ast.Expr]bool        // constants that must stay constant, or that matter to speed alone
	before  map[int][]string         // text to insert in front of an offset
	behind  map[int][]string         // text to insert after the end at an offset
	instead map[int]replacement      // text in place of a span
	mutants []mutant
}

type replacement struct {
	length int
	text   string
}

// source is a package with its mutants inside.
type source struct {
	files   map[string][]byte // rewritten, by absolute path
	mutants []mutant
}

// plant rewrites the Go files of a package. lookup gives the export data of what
// it imports.
func plant(root, path string, names []string, lookup func(string) (io.ReadCloser, error)) (*source, error) {
	fset := token.NewFileSet()
	var files []*ast.File
	texts := map[string][]byte{}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files, texts[name] = append(files, file), src
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	pkg, err := (&types.Config{Importer: importer.ForCompiler(fset, "gc", lookup)}).Check(path, fset, files, info)
	if err != nil {
		return nil, fmt.Errorf("checking %s: %w", path, err)
	}
	out := &source{files: map[string][]byte{}}
	count := 0
	for i, file := range files {
		rel, err := filepath.Rel(root, names[i])
		if err != nil {
			return nil, err
		}
		f := &rewriter{
			fset: fset, src: texts[names[i]], base: file.FileStart, name: filepath.ToSlash(rel), pkg: pkg, info: info, imports: importsOf(file, pkg),
			next: func() int { count++; return count }, tagless: map[*ast.CaseClause]bool{}, fixed: map[ast.Expr]bool{},
			before: map[int][]string{}, behind: map[int][]string{}, instead: map[int]replacement{},
		}
		f.learn(file)
		f.walk(file)
		out.files[names[i]] = f.render()
		out.mutants = append(out.mutants, f.mutants...)
	}
	dir := filepath.Dir(names[0])
	out.files[filepath.Join(dir, "gm_switches.go")] = []byte(strings.ReplaceAll(switches, "PACKAGE", pkg.Name()))
	return out, nil
}

func importsOf(file *ast.File, pkg *types.Package) map[string]string {
	names := map[string]string{}
	for _, p := range pkg.Imports() {
		names[p.Path()] = p.Name()
	}
	here := map[string]string{}
	for _, i := range file.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		if i.Name != nil {
			here[path] = i.Name.Name
		} else if name, ok := names[path]; ok {
			here[path] = name
		}
	}
	return here
}

// learn finds the cases without a tag and the constants that stay as they are.
func (f *rewriter) learn(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SwitchStmt:
			if n.Tag == nil {
				for _, c := range n.Body.List {
					f.tagless[c.(*ast.CaseClause)] = true
				}
			}
		case *ast.CompositeLit:
			f.keys(n)
		case *ast.CallExpr:
			f.room(n)
		case *ast.SliceExpr:
			if n.Max != nil {
				f.fixed[n.Max] = true
			}
		}
		return true
	})
}

// keys of arrays and slices are constants to the compiler.
func (f *rewriter) keys(n *ast.CompositeLit) {
	t := f.info.TypeOf(n)
	if t == nil {
		return
	}
	switch t.Underlying().(type) {
	case *types.Array, *types.Slice:
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				f.fixed[kv.Key] = true
			}
		}
	}
}

// room finds capacities: they change what an append costs and nothing else.
func (f *rewriter) room(n *ast.CallExpr) {
	switch fun := n.Fun.(type) {
	case *ast.Ident:
		if fun.Name != "make" || len(n.Args) < 2 {
			return
		}
		_, isMap := f.info.TypeOf(n.Args[0]).Underlying().(*types.Map)
		if len(n.Args) == 3 || isMap {
			ast.Inspect(n.Args[len(n.Args)-1], func(m ast.Node) bool {
				if e, ok := m.(ast.Expr); ok {
					f.fixed[e] = true
				}
				return true
			})
		}
	case *ast.SelectorExpr:
		if fun.Sel.Name == "Grow" && len(n.Args) == 1 {
			f.fixed[n.Args[0]] = true
		}
	}
}

func (f *rewriter) walk(file *ast.File) {
	var open []ast.Node
	for _, d := range file.Decls {
		ast.Inspect(d, func(n ast.Node) bool {
			if n == nil {
				f.leave(open[len(open)-1])
				open = open[:len(open)-1]
				return true
			}
			if !f.visit(n) {
				return false
			}
			open = append(open, n)
			return true
		})
	}
}

func (f *rewriter) offset(p token.Pos) int { return int(p - f.base) }

func (f *rewriter) text(n ast.Node) string { return string(f.src[f.offset(n.Pos()):f.offset(n.End())]) }

// add makes a mutant that shows as text in place of n.
func (f *rewriter) add(operator string, n ast.Node, text string) int {
	start, end := f.offset(n.Pos()), f.offset(n.End())
	from := strings.LastIndexByte(string(f.src[:start]), '\n') + 1
	to := end + strings.IndexByte(string(f.src[end:])+"\n", '\n')
	m := mutant{
		id: f.next(), operator: operator, file: f.name, line: f.fset.Position(n.Pos()).Line,
		before: fold(string(f.src[from:to])),
		after:  fold(string(f.src[from:start]) + text + string(f.src[end:to])),
	}
	f.mutants = append(f.mutants, m)
	return m.id
}

func fold(text string) string { return strings.Join(strings.Fields(text), " ") }

// wrap puts text around a node. What is wrapped first is outside.
func (f *rewriter) wrap(n ast.Node, before, behind string) {
	start, end := f.offset(n.Pos()), f.offset(n.End())
	f.before[start] = append(f.before[start], before)
	f.behind[end] = slices.Insert(f.behind[end], 0, behind)
}

func (f *rewriter) replace(offset, length int, text string) {
	f.instead[offset] = replacement{length, text}
}

// render writes the file with all mutants. No line moves.
func (f *rewriter) render() []byte {
	places := slices.Concat(slices.Collect(maps.Keys(f.before)), slices.Collect(maps.Keys(f.behind)), slices.Collect(maps.Keys(f.instead)))
	slices.SortFunc(places, cmp.Compare[int])
	var b strings.Builder
	at := 0
	for _, p := range slices.Compact(places) {
		b.Write(f.src[at:p])
		at = p
		for _, s := range f.behind[p] {
			b.WriteString(s)
		}
		for _, s := range f.before[p] {
			b.WriteString(s)
		}
		if r, ok := f.instead[p]; ok {
			b.WriteString(r.text)
			at += r.length
		}
	}
	b.Write(f.src[at:])
	return []byte(b.String())
}

// switches is the file that every rewritten package gets.
const switches = `package PACKAGE

import (
	gmCmp "cmp"
	gmErrors "errors"
	gmOS "os"
	gmStrconv "strconv"
	gmSync "sync"
)

var (
	gmOn      = gmSelected()
	gmReached = gmFile()
	gmSeen    gmSync.Map
)

func gmSelected() int {
	n, _ := gmStrconv.Atoi(gmOS.Getenv("GATEHOUSE_MUTANT"))
	return n
}

func gmFile() *gmOS.File {
	name := gmOS.Getenv("GATEHOUSE_REACHED")
	if name == "" {
		return nil
	}
	f, _ := gmOS.OpenFile(name, gmOS.O_CREATE|gmOS.O_APPEND|gmOS.O_WRONLY, 0o600)
	return f
}

func gm(n int) bool {
	if gmReached != nil {
		gmReach(n)
	}
	return gmOn == n
}

func gmReach(n int) {
	if _, seen := gmSeen.LoadOrStore(n, true); !seen {
		_, _ = gmReached.WriteString(gmStrconv.Itoa(n) + "\n")
	}
}

func gmLess[T gmCmp.Ordered](n int, a, b T) bool {
	if gm(n) {
		return a <= b
	}
	return a < b
}

func gmAtMost[T gmCmp.Ordered](n int, a, b T) bool {
	if gm(n) {
		return a < b
	}
	return a <= b
}

func gmMore[T gmCmp.Ordered](n int, a, b T) bool {
	if gm(n) {
		return a >= b
	}
	return a > b
}

func gmAtLeast[T gmCmp.Ordered](n int, a, b T) bool {
	if gm(n) {
		return a > b
	}
	return a >= b
}

type gmInteger interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

func gmNumber[T gmInteger](n int, step, v T) T {
	if gm(n) {
		return v + step
	}
	if gm(n + 1) {
		return v - step
	}
	return v
}

func gmZero[T any](n int, v T) T {
	if gm(n) {
		var none T
		return none
	}
	return v
}

func gmNew[T any](n int) *T {
	if gm(n) {
		return new(T)
	}
	return nil
}

var gmFailure = gmErrors.New("mutant")

func gmError(n int) error {
	if gm(n) {
		return gmFailure
	}
	return nil
}
`
