package main

import (
	"encoding/json"
	"fmt"
	"os"

	lua "github.com/yuin/gopher-lua"
)

// luaHealth runs a health check as Argo CD does: the object on stdin is the global `obj`, and the table with `status` and
// `message` that the script returns is printed as JSON. The script has the libraries that Argo CD opens.
func luaHealth(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: kubernetes lua-health SCRIPT < OBJECT.json")
		return 2
	}
	var object map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&object); err != nil {
		fmt.Fprintln(os.Stderr, "the object on stdin:", err)
		return 1
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	state.SetGlobal("obj", luaValue(state, object))
	if err := state.DoFile(args[0]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	answer, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		fmt.Fprintln(os.Stderr, "the script returned no table")
		return 1
	}
	health := map[string]string{}
	for _, key := range []string{"status", "message"} {
		if text, isText := answer.RawGetString(key).(lua.LString); isText {
			health[key] = string(text)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(health); err != nil {
		return 1
	}
	return 0
}

func luaValue(state *lua.LState, value any) lua.LValue {
	switch typed := value.(type) {
	case string:
		return lua.LString(typed)
	case float64:
		return lua.LNumber(typed)
	case bool:
		return lua.LBool(typed)
	case []any:
		table := state.NewTable()
		for _, item := range typed {
			table.Append(luaValue(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range typed {
			table.RawSetString(key, luaValue(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}
