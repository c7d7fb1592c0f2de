export function findPlants(_a: string, _b: number, _c: number): Promise<boolean> {
  return Promise.resolve(true);
}
