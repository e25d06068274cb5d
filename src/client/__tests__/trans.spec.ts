import { plainTrans, rememberingTrans } from '../trans';

describe('a translator that remembers', () => {
  it('asks for each text once, and fills in what varies', () => {
    const ask = jest.fn((msgid: string, ...args: unknown[]) =>
      plainTrans.__(`<${msgid}>`, ...args)
    );
    const trans = rememberingTrans({ ...plainTrans, __: ask });
    expect(trans.__('Select %1', 'a')).toBe('<Select a>');
    expect(trans.__('Select %1', 'b%1')).toBe('<Select b%1>');
    expect(trans.__('Tasks')).toBe('<Tasks>');
    expect(trans.__('Tasks')).toBe('<Tasks>');
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it('leaves everything else to the one it asks', () => {
    const trans = rememberingTrans(plainTrans);
    expect(trans._n('%1 task', '%1 tasks', 2)).toBe('2 tasks');
  });
});
