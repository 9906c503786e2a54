/*
** Resumes tasks: the coroutines that wait for calls. A task is a table of the
** Lua half's, workstage/loop.lua, which has its fields.
*/

#include "binding.h"

/* Upvalues. The strings are names of fields. */
enum { AT_RUNNING = 1, AT_FINISH, AT_CO, AT_CALL };

/* True if a coroutine is suspended, or has not started. */
static bool is_suspended(lua_State *co) {
  lua_Debug frame;
  if (lua_status(co) == LUA_YIELD) return true;
  return lua_status(co) == LUA_OK && !lua_getstack(co, 0, &frame) &&
         lua_gettop(co) > 0;
}

/* Calls finish(task, good, ...) for the task on top of the stack, with what its
** coroutine returned or the error that it raised. */
static void end_task(lua_State *L, lua_State *co, bool is_good, int count) {
  lua_pushvalue(L, lua_upvalueindex(AT_FINISH));
  lua_insert(L, -2);
  if (!lua_checkstack(L, count)) {
    lua_pop(co, count);
    lua_pushliteral(co, "not enough memory");
    is_good = false;
    count = 1;
  }
  lua_pushboolean(L, is_good);
  lua_xmove(co, L, count);
  lua_call(L, count + 2, 0);
}

/* Resumes the task on top of the stack, which it pops. One that drives the loop
** itself is not suspended and needs no resuming. */
static void resume(lua_State *L) {
  lua_State *co;
  int status, count = 1;
  lua_pushvalue(L, lua_upvalueindex(AT_CO));
  lua_rawget(L, -2);
  co = lua_tothread(L, -1);
  lua_pop(L, 1);
  if (!co || !is_suspended(co)) {
    lua_pop(L, 1);
    return;
  }
  lua_rawgeti(L, lua_upvalueindex(AT_RUNNING), 1);
  lua_pushvalue(L, -2);
  lua_rawseti(L, lua_upvalueindex(AT_RUNNING), 1);
  status = lua_resume(co, L, 0, &count);
  lua_rawseti(L, lua_upvalueindex(AT_RUNNING), 1);
  if (status != LUA_OK && status != LUA_YIELD) count = 1;
  if (lua_status(co) != LUA_YIELD) {
    end_task(L, co, status == LUA_OK, count);
    return;
  }
  lua_pop(co, count);
  lua_pop(L, 1);
}

/* resume(task) */
static int resume_task(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  resume(L);
  return 0;
}

/* Pushes the task of the next call that has ended; false if there is none.
** Skips calls for which no task waits any longer. */
static bool push_finished(lua_State *L, ws_loop *loop) {
  ws_call *call;
  while ((call = ws_loop_finished(loop)) != NULL) {
    void *parked = ws_call_data(call);
    if (!parked) continue;
    ws_call_set_data(call, NULL);
    wsl_unpark(L, 1, parked);
    lua_pushvalue(L, lua_upvalueindex(AT_CALL));
    lua_pushboolean(L, 0);
    lua_rawset(L, -3);
    return true;
  }
  return false;
}

/*
** resume_finished(loop, one): resumes the tasks whose calls have ended, or only
** one of them. True if there may be more: also after a fork, as the child has
** another loop, and if a hook was set (Ctrl-C in the standalone interpreter),
** which runs when this returns.
*/
static int resume_finished(lua_State *L) {
  ws_loop **loop = luaL_checkudata(L, 1, WSL_LOOP);
  lua_Hook hook = lua_gethook(L);
  bool one = lua_toboolean(L, 2);
  do {
    if (!*loop || !push_finished(L, *loop)) return 0;
    resume(L);
  } while (!one && lua_gethook(L) == hook && *loop &&
           !ws_loop_is_forked(*loop));
  lua_pushboolean(L, 1);
  return 1;
}

/*
** tasks(running, finish): the functions resume(task) and resume_finished(loop,
** one). `running[1]` is the task that runs now, or false; `finish(task, good,
** ...)` is called when a task has returned or raised.
*/
static int tasks(lua_State *L) {
  static const lua_CFunction functions[] = {resume_task, resume_finished};
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  for (int i = 0; i < 2; i++) {
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushliteral(L, "co");
    lua_pushliteral(L, "call");
    lua_pushcclosure(L, functions[i], AT_CALL);
  }
  return 2;
}

void wsl_open_tasks(lua_State *L) {
  lua_pushcfunction(L, tasks);
  lua_setfield(L, -2, "tasks");
}
