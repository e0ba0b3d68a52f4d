package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/argoproj/gitops-engine/pkg/health"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const healthKey = "resource.customizations.health."

// healthChecks are Lua scripts by `<group>_<kind>`, or by the kind alone in the core group.
type healthChecks map[string]string

// readHealthChecks reads the scripts of the ConfigMap argocd-cm.
func readHealthChecks(file string) (healthChecks, error) {
	checks := healthChecks{}
	if file == "" {
		return checks, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var config struct {
		Data map[string]string `json:"data"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for key, script := range config.Data {
		if name, isCheck := strings.CutPrefix(key, healthKey); isCheck {
			checks[name] = script
		}
	}
	return checks, nil
}

// GetResourceHealth runs the check of the object's kind as Argo CD does; nil without one.
func (c healthChecks) GetResourceHealth(object *unstructured.Unstructured) (*health.HealthStatus, error) {
	kind := object.GroupVersionKind()
	name := kind.Kind
	if kind.Group != "" {
		name = kind.Group + "_" + kind.Kind
	}
	script, isChecked := c[name]
	if !isChecked {
		return nil, nil
	}
	return runCheck(script, object.Object)
}

// runCheck gives the script the object as the global `obj`, and the libraries that Argo CD opens.
func runCheck(script string, object map[string]any) (*health.HealthStatus, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(library.open), Protect: true}, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	state.SetGlobal("obj", luaValue(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	answer, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		return nil, fmt.Errorf("the health check returned no table")
	}
	status, _ := answer.RawGetString("status").(lua.LString)
	message, _ := answer.RawGetString("message").(lua.LString)
	return &health.HealthStatus{Status: health.HealthStatusCode(status), Message: string(message)}, nil
}

func luaValue(state *lua.LState, value any) lua.LValue {
	switch typed := value.(type) {
	case string:
		return lua.LString(typed)
	case float64:
		return lua.LNumber(typed)
	case int64:
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

func printHealth(input io.Reader, checks healthChecks) error {
	object := &unstructured.Unstructured{}
	if err := json.NewDecoder(input).Decode(&object.Object); err != nil {
		return fmt.Errorf("the object on stdin: %w", err)
	}
	return print(health.GetResourceHealth(object, checks))
}
