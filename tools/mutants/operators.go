package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
	"strings"
	"time"
)

// visit plants the mutants of one node. It returns false where what is inside
// cannot be switched at run time.
func (f *rewriter) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok == token.VAR
	case *ast.ArrayType, *ast.StructType, *ast.InterfaceType, *ast.FuncType:
		return false
	case *ast.FuncDecl:
		f.results = append(f.results, n.Type.Results)
	case *ast.FuncLit:
		f.results = append(f.results, n.Type.Results)
	case *ast.BlockStmt:
		f.removable(n.List)
	case *ast.CaseClause:
		f.cases(n)
		f.removable(n.Body)
	case *ast.CommClause:
		f.removable(n.Body)
	case *ast.IfStmt:
		f.condition(n.Cond)
	case *ast.ForStmt:
		f.condition(n.Cond)
	case *ast.ReturnStmt:
		f.returned(n)
	case ast.Expr:
		if v := f.info.Types[n].Value; v != nil {
			f.constant(n, v)
			return false
		}
		if b, ok := n.(*ast.BinaryExpr); ok {
			f.binary(b)
		}
	}
	return true
}

// leave ends the function that visit began.
func (f *rewriter) leave(n ast.Node) {
	switch n.(type) {
	case *ast.FuncDecl, *ast.FuncLit:
		f.results = f.results[:len(f.results)-1]
	}
}

func (f *rewriter) binary(b *ast.BinaryExpr) {
	if !f.isBool(b) {
		return
	}
	switch b.Op {
	case token.LAND, token.LOR:
		f.logical(b)
	case token.EQL, token.NEQ:
		f.negate(b, f.text(b.X)+" "+opposite(b.Op)+" "+f.text(b.Y))
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		f.negate(b, f.text(b.X)+" "+opposite(b.Op)+" "+f.text(b.Y))
		f.boundary(b)
	}
}

func opposite(op token.Token) string {
	return map[token.Token]string{
		token.EQL: "!=", token.NEQ: "==", token.LSS: ">=", token.LEQ: ">", token.GTR: "<=", token.GEQ: "<",
	}[op]
}

// logical swaps the operator by De Morgan, so that each side is evaluated when
// it would be, and takes each side away.
func (f *rewriter) logical(b *ast.BinaryExpr) {
	other, neutral := "||", "true"
	if b.Op == token.LOR {
		other, neutral = "&&", "false"
	}
	n := f.add("logic", b, f.text(b.X)+" "+other+" "+f.text(b.Y))
	on := "gm(" + strconv.Itoa(n) + ") != ("
	f.wrap(b, "("+on, "))")
	for _, side := range []ast.Expr{b.X, b.Y} {
		drop := f.add("side", side, neutral)
		if b.Op == token.LAND {
			f.wrap(side, "("+on+"(gm("+strconv.Itoa(drop)+") || (", "))))")
		} else {
			f.wrap(side, "("+on+"(!gm("+strconv.Itoa(drop)+") && (", "))))")
		}
	}
}

func (f *rewriter) boundary(b *ast.BinaryExpr) {
	if !ordered(f.info.TypeOf(b.X)) || !types.Identical(f.info.TypeOf(b.X), f.info.TypeOf(b.Y)) {
		return
	}
	with := map[token.Token][2]string{
		token.LSS: {"gmLess", "<="}, token.LEQ: {"gmAtMost", "<"}, token.GTR: {"gmMore", ">="}, token.GEQ: {"gmAtLeast", ">"},
	}[b.Op]
	n := f.add("boundary", b, f.text(b.X)+" "+with[1]+" "+f.text(b.Y))
	f.wrap(b, with[0]+"("+strconv.Itoa(n)+", ", ")")
	f.replace(f.offset(b.OpPos), len(b.Op.String()), ", ")
}

func ordered(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsOrdered != 0
}

// condition negates what binary does not.
func (f *rewriter) condition(e ast.Expr) {
	if e == nil || f.info.Types[e].Value != nil || !f.isBool(e) {
		return
	}
	if _, binary := ast.Unparen(e).(*ast.BinaryExpr); binary {
		return
	}
	f.negate(e, negated(f.text(e)))
}

func negated(text string) string {
	if rest, ok := strings.CutPrefix(text, "!"); ok {
		return rest
	}
	return "!" + text
}

func (f *rewriter) cases(c *ast.CaseClause) {
	if f.tagless[c] {
		for _, e := range c.List {
			f.condition(e)
		}
	}
}

func (f *rewriter) negate(e ast.Expr, shown string) {
	n := f.add("negate", e, shown)
	f.wrap(e, "(gm("+strconv.Itoa(n)+") != (", "))")
}

func (f *rewriter) isBool(e ast.Expr) bool {
	t := f.info.TypeOf(e)
	return t == types.Typ[types.Bool] || t == types.Typ[types.UntypedBool]
}

// constant moves a whole number by one and turns true into false.
func (f *rewriter) constant(e ast.Expr, v constant.Value) {
	switch v.Kind() {
	case constant.Bool:
		if id, ok := e.(*ast.Ident); ok && f.isBool(e) && (id.Name == "true" || id.Name == "false") {
			n := f.add("truth", e, strconv.FormatBool(id.Name == "false"))
			f.wrap(e, "(gm("+strconv.Itoa(n)+") != ", ")")
		}
	case constant.Int:
		t, ok := f.typeName(f.info.TypeOf(e))
		if !ok || f.fixed[e] {
			return
		}
		step, by := f.step(e, v)
		if step == "" {
			return
		}
		n := f.add("number", e, plus(e, f.text(e), "+"+by))
		f.add("number", e, plus(e, f.text(e), "-"+by))
		f.wrap(e, "gmNumber["+t+"]("+strconv.Itoa(n)+", "+step+", ", ")")
	}
}

func plus(e ast.Expr, text, step string) string {
	if _, binary := e.(*ast.BinaryExpr); binary {
		return "(" + text + ")" + step
	}
	return text + step
}

// step is how far a constant moves: by one; a time by a second, or when it is
// shorter by a millisecond. A unit (time.Hour) stays: it stands in a product, or
// asks whether one is whole.
func (f *rewriter) step(e ast.Expr, v constant.Value) (step, shown string) {
	if f.info.TypeOf(e).String() != "time.Duration" {
		return "1", "1"
	}
	if sel, ok := e.(*ast.SelectorExpr); ok && f.text(sel.X) == "time" {
		return "", ""
	}
	if d, _ := constant.Int64Val(v); d%int64(time.Second) == 0 {
		return "1_000_000_000", "1s"
	}
	return "1_000_000", "1ms"
}

// typeName writes the type of a whole number as this file can.
func (f *rewriter) typeName(t types.Type) (string, bool) {
	b, ok := t.Underlying().(*types.Basic)
	if !ok || b.Info()&types.IsInteger == 0 || b.Info()&types.IsUntyped != 0 {
		return "", false
	}
	named, ok := t.(*types.Named)
	if !ok {
		return b.Name(), true
	}
	switch pkg := named.Obj().Pkg(); {
	case named.Obj().Parent() == nil || named.Obj().Parent() != pkg.Scope() || named.TypeArgs().Len() > 0:
		return "", false
	case pkg == f.pkg:
		return named.Obj().Name(), true
	default:
		name, ok := f.imports[pkg.Path()]
		return name + "." + named.Obj().Name(), ok
	}
}

// returned turns an error into nil, nil into an error, and a truth into its
// opposite.
func (f *rewriter) returned(r *ast.ReturnStmt) {
	results := f.results[len(f.results)-1]
	if results == nil || len(r.Results) != results.NumFields() {
		return
	}
	want := flat(results)
	for i, e := range r.Results {
		t := f.info.TypeOf(want[i])
		switch {
		case f.info.Types[e].Value != nil:
		case t == types.Typ[types.Bool]:
			f.condition(e)
		case i == len(r.Results)-1 && isError(t):
			f.failure(e, want[i], t)
		}
	}
}

func flat(l *ast.FieldList) []ast.Expr {
	var out []ast.Expr
	for _, field := range l.List {
		for range max(1, len(field.Names)) {
			out = append(out, field.Type)
		}
	}
	return out
}

// isError tells whether a result says that something went wrong: the type error
// or a pointer to a type that is called so.
func isError(t types.Type) bool {
	if p, ok := t.(*types.Pointer); ok {
		named, ok := p.Elem().(*types.Named)
		return ok && strings.HasSuffix(named.Obj().Name(), "Error")
	}
	return types.Identical(t, types.Universe.Lookup("error").Type())
}

func (f *rewriter) failure(e, want ast.Expr, t types.Type) {
	if !f.info.Types[e].IsNil() {
		if types.Identical(f.info.TypeOf(e), t) {
			n := f.add("error", e, "nil")
			f.wrap(e, "gmZero("+strconv.Itoa(n)+", ", ")")
		}
		return
	}
	n := f.add("error", e, "an error")
	if star, ok := want.(*ast.StarExpr); ok {
		f.replace(f.offset(e.Pos()), len("nil"), "gmNew["+f.text(star.X)+"]("+strconv.Itoa(n)+")")
		return
	}
	f.replace(f.offset(e.Pos()), len("nil"), "gmError("+strconv.Itoa(n)+")")
}

// removable takes statements away, one at a time.
func (f *rewriter) removable(list []ast.Stmt) {
	for i, s := range list {
		if !f.mayGo(s, i == len(list)-1) {
			continue
		}
		n := f.add("remove", s, "")
		f.wrap(s, "if !gm("+strconv.Itoa(n)+") { ", " }")
	}
}

func (f *rewriter) mayGo(s ast.Stmt, last bool) bool {
	switch s := s.(type) {
	case *ast.ExprStmt:
		c, ok := s.X.(*ast.CallExpr)
		return ok && !f.untestable(c)
	case *ast.DeferStmt:
		return !f.untestable(s.Call)
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE && !blank(s)
	case *ast.IncDecStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok == token.CONTINUE
	case *ast.ReturnStmt:
		results := f.results[len(f.results)-1]
		return len(s.Results) == 0 && results == nil && last
	}
	return false
}

func blank(s *ast.AssignStmt) bool {
	for _, l := range s.Lhs {
		if id, ok := l.(*ast.Ident); !ok || id.Name != "_" {
			return false
		}
	}
	return true
}

// untestable are calls whose absence no test of one run can show: locks, whose
// matter the race detector is, and panic, without which a function would not end.
func (f *rewriter) untestable(c *ast.CallExpr) bool {
	if id, ok := c.Fun.(*ast.Ident); ok {
		return id.Name == "panic"
	}
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	fn, ok := f.info.Uses[sel.Sel].(*types.Func)
	return ok && fn.Pkg() != nil && fn.Pkg().Path() == "sync"
}
